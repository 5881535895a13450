import type { OrderEvent, OrderEventType } from '../core/contracts/messages.ts'
import { reportSteps, turnsOf } from '../core/orders/saga.ts'
import { Prisma, type Transaction } from '../core/platform/stores/database.ts'
import { lockBuyers } from './runtime/lock-buyers.ts'
import type { Subscriber } from './runtime/subscriber.ts'

/** Paid for one point; spent, a point is a cent. */
const CENTS_PER_POINT = 100

/**
 * Loyalty points: spent as a step of an order's saga, granted for a payment, undone when the order ends badly. As good
 * as money.
 */
export const subscriber: Subscriber = {
  name: 'points',
  events: [
    'order.created',
    'order.coupon-locked',
    'order.saga-expired',
    'order.vetoed',
    'order.paid',
    'order.cancelled',
    'order.refunded',
  ],
  once: 'inbox',
  async handleTogether(tx, events, { config }) {
    const ofTypes = (...types: OrderEventType[]) => events.filter(({ type }) => types.includes(type))
    const { forwards, backwards } = await turnsOf(tx, 'points', events)
    const sagaMs = config.SAGA_SECONDS * 1_000
    await enter(tx, 'GRANTED', ofTypes('order.paid'), ({ amountCents }) => Math.floor(amountCents / CENTS_PER_POINT))
    await undo(tx, [...ofTypes('order.cancelled', 'order.refunded'), ...backwards])
    await reportSteps(tx, 'order.points-returned', backwards, sagaMs)
    await deduct(tx, forwards, sagaMs)
  },
}

/** No more than there is to pay. Of several orders of one buyer, the first in the batch get what there is. */
async function deduct(tx: Transaction, wanting: OrderEvent[], sagaMs: number): Promise<void> {
  // Or two batches with orders of one buyer would both find the same points.
  await lockBuyers(tx, 'points', wanting)
  const left = await readPoints(tx, wanting)
  const [deducted, refused]: [(OrderEvent & { offCents: number })[], OrderEvent[]] = [[], []]
  for (const event of wanting) {
    const offCents = Math.min(event.points, event.amountCents)
    const rest = (left.get(event.buyerId) ?? 0) - offCents
    if (rest < 0) {
      refused.push(event)
    } else {
      left.set(event.buyerId, rest)
      deducted.push({ ...event, offCents })
    }
  }
  await enter(tx, 'DEDUCTED', deducted, ({ offCents }) => -offCents)
  await reportSteps(tx, 'order.points-deducted', deducted, sagaMs)
  await reportSteps(tx, 'order.points-refused', refused, sagaMs)
}

/** By buyer. One who owes points has none. */
async function readPoints(tx: Transaction, events: OrderEvent[]): Promise<Map<string, number>> {
  if (events.length === 0) return new Map()
  const rows = await tx.$queryRaw<{ buyerId: string; points: number }[]>`
    SELECT buyer_id AS "buyerId", greatest(sum(points), 0)::float8 AS points FROM points_entries
    WHERE buyer_id = ANY(${events.map(({ buyerId }) => buyerId)}) GROUP BY buyer_id`
  return new Map(rows.map(({ buyerId, points }) => [buyerId, points]))
}

async function enter<Event extends OrderEvent>(
  tx: Transaction,
  step: 'DEDUCTED' | 'GRANTED',
  events: Event[],
  pointsOf: (event: Event) => number,
): Promise<void> {
  if (events.length === 0) return
  await tx.$executeRaw`
    INSERT INTO points_entries (buyer_id, order_id, sale_id, event_id, points, step)
    SELECT *, ${step}::points_step FROM ${rowsOf(events, events.map(pointsOf))}`
}

/** The points that each order has cost and brought, at the rate of that time; none when it is undone already. */
async function undo(tx: Transaction, ended: OrderEvent[]): Promise<void> {
  if (ended.length === 0) return
  await tx.$executeRaw`
    INSERT INTO points_entries (buyer_id, order_id, sale_id, event_id, step, points)
    SELECT ended.buyer_id, ended.order_id, ended.sale_id, ended.event_id, 'RETURNED', -balance.points
    FROM (SELECT DISTINCT ON (order_id) * FROM ${rowsOf(ended)}) AS ended
    CROSS JOIN LATERAL (SELECT sum(points) AS points FROM points_entries e WHERE e.order_id = ended.order_id) AS balance
    WHERE balance.points <> 0`
}

const rowsOf = (events: OrderEvent[], points = events.map(() => 0)) => Prisma.sql`
  unnest(
    ${events.map(({ buyerId }) => buyerId)}::text[], ${events.map(({ orderId }) => orderId)}::uuid[],
    ${events.map(({ saleId }) => saleId)}::text[], ${events.map(({ eventId }) => eventId)}::uuid[], ${points}::int[]
  ) AS event (buyer_id, order_id, sale_id, event_id, points)`
