import type { OrderEvent, OrderEventType } from '../core/contracts/messages.ts'
import { Prisma, type Transaction } from '../core/platform/stores/database.ts'
import { groupBy } from '../core/platform/batches/divide.ts'
import type { Subscriber } from './runtime/subscriber.ts'

/**
 * Counts what happens in each sale, per second and in total. Strong idempotency although no money depends on it: a double
 * count would stay unnoticed, and for a batch the inbox costs one statement more.
 */
export const subscriber: Subscriber = {
  name: 'statistics',
  events: ['order.created', 'order.paid', 'order.cancelled', 'order.refunded', 'reservation.rejected'],
  follows: 'events',
  once: 'inbox',
  // A second of a sale is one row: 2,000 orders one by one would wait for it 2,000 times.
  async handleTogether(tx, events) {
    await add(
      tx,
      'sale_seconds',
      groupBy(events, ({ saleId, at }) => `${saleId} ${at.slice(0, 19)}Z`),
    )
    await add(
      tx,
      'sale_totals',
      groupBy(events, ({ saleId }) => saleId),
    )
  },
}

const COLUMNS = {
  'order.created': 'created',
  'order.paid': 'paid',
  'order.cancelled': 'cancelled',
  'order.refunded': 'refunded',
  'reservation.rejected': 'rejected',
} as const satisfies Partial<Record<OrderEventType, string>>

function figuresOf(key: string, events: OrderEvent[]) {
  const [saleId = '', second = null] = key.split(' ')
  const count = (type: OrderEventType) => events.filter((event) => event.type === type).length
  const cents = (type: OrderEventType) =>
    events.reduce((sum, event) => (event.type === type ? sum + event.amountCents : sum), 0)
  const counts = Object.fromEntries(
    Object.entries(COLUMNS).map(([type, column]) => [column, count(type as OrderEventType)]),
  )
  return { sale_id: saleId, second, ...counts, revenue_cents: cents('order.paid') - cents('order.refunded') }
}

/** Sorted, so that concurrent batches cannot deadlock. */
async function add(
  tx: Transaction,
  table: 'sale_seconds' | 'sale_totals',
  groups: Map<string, OrderEvent[]>,
): Promise<void> {
  const key = table === 'sale_seconds' ? 'sale_id, second' : 'sale_id'
  const columns = [...Object.values(COLUMNS), 'revenue_cents']
  const rows = JSON.stringify([...groups].map(([group, events]) => figuresOf(group, events)))
  await tx.$executeRaw`
    INSERT INTO ${Prisma.raw(table)} (${Prisma.raw([key, ...columns].join(', '))})
    SELECT ${Prisma.raw([key, ...columns].join(', '))} FROM json_populate_recordset(NULL::${Prisma.raw(table)}, ${rows}::json) ORDER BY ${Prisma.raw(key)}
    ON CONFLICT (${Prisma.raw(key)}) DO UPDATE SET ${Prisma.raw(columns.map((column) => `${column} = ${table}.${column} + excluded.${column}`).join(', '))}`
}
