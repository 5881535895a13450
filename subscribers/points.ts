import type { OrderEvent, OrderEventType } from '../core/contracts/messages.ts'
import { byOrder, mayGoOn, reportStep } from '../core/orders/saga.ts'
import { turnAfter } from '../core/orders/saga-chain.ts'
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
    await grant(tx, ofTypes('order.paid'))
    await undo(tx, ofTypes('order.cancelled', 'order.refunded'))
    const steps = events.filter((event) => turnAfter(event)?.of === 'points')
    // Or two orders of one buyer would both find the same points.
    await lockBuyers(tx, 'points', steps.filter(isToBeDeducted))
    for (const event of byOrder(steps)) await takeStep(tx, event, config.SAGA_SECONDS * 1_000)
  },
}

const isToBeDeducted = (event: OrderEvent) => turnAfter(event)?.direction === 'FORWARDS'

async function takeStep(tx: Transaction, event: OrderEvent, sagaMs: number): Promise<void> {
  if (isToBeDeducted(event)) return deduct(tx, event, sagaMs)
  await undo(tx, [event])
  await reportStep(tx, event, 'order.points-returned', { sagaMs })
}

/** No more than there is to pay. */
async function deduct(tx: Transaction, event: OrderEvent, sagaMs: number): Promise<void> {
  if (!(await mayGoOn(tx, event.orderId))) return
  const points = Math.min(event.points, event.amountCents)
  const deducted = await tx.$executeRaw`
    INSERT INTO points_entries (buyer_id, order_id, sale_id, event_id, step, points)
    SELECT ${event.buyerId}, ${event.orderId}::uuid, ${event.saleId}, ${event.eventId}::uuid, 'DEDUCTED', -${points}::int
    WHERE (SELECT greatest(sum(points), 0) FROM points_entries WHERE buyer_id = ${event.buyerId}) >= ${points}`
  if (deducted === 1) await reportStep(tx, event, 'order.points-deducted', { sagaMs, offCents: points })
  else await reportStep(tx, event, 'order.points-refused', { sagaMs })
}

async function grant(tx: Transaction, paid: OrderEvent[]): Promise<void> {
  if (paid.length === 0) return
  await tx.$executeRaw`
    INSERT INTO points_entries (buyer_id, order_id, sale_id, event_id, step, points)
    SELECT buyer_id, order_id, sale_id, event_id, 'GRANTED', amount_cents / ${CENTS_PER_POINT}::int FROM ${rowsOf(paid)}`
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

const rowsOf = (events: OrderEvent[]) => Prisma.sql`
  unnest(
    ${events.map(({ buyerId }) => buyerId)}::text[], ${events.map(({ orderId }) => orderId)}::uuid[],
    ${events.map(({ saleId }) => saleId)}::text[], ${events.map(({ eventId }) => eventId)}::uuid[],
    ${events.map(({ amountCents }) => amountCents)}::int[]
  ) AS event (buyer_id, order_id, sale_id, event_id, amount_cents)`
