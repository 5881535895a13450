import type { OrderEvent } from '../core/contracts/messages.ts'
import { byOrder, mayGoOn, reportStep } from '../core/orders/saga.ts'
import { turnAfter } from '../core/orders/saga-chain.ts'
import type { Transaction } from '../core/platform/stores/database.ts'
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
    await lockBuyers(tx, events.filter(isToBeDeducted))
    for (const event of byOrder(events)) await handle(tx, event, config.SAGA_SECONDS * 1_000)
  },
}

const isToBeDeducted = (event: OrderEvent) => {
  const turn = turnAfter(event)
  return turn?.of === 'points' && turn.direction === 'FORWARDS'
}

async function handle(tx: Transaction, event: OrderEvent, sagaMs: number): Promise<void> {
  if (isToBeDeducted(event)) return deduct(tx, event, sagaMs)
  if (event.type === 'order.paid') return grant(tx, event)
  const isTurn = turnAfter(event)?.of === 'points'
  if (isTurn || event.type === 'order.cancelled' || event.type === 'order.refunded') await undo(tx, event)
  if (isTurn) await reportStep(tx, event, 'order.points-returned', { sagaMs })
}

/**
 * Orders of one buyer take turns, or two of them would both find the same points. In one order, as coupons are locked.
 */
async function lockBuyers(tx: Transaction, events: OrderEvent[]): Promise<void> {
  if (events.length === 0) return
  await tx.$executeRaw`
    SELECT pg_advisory_xact_lock(hashtextextended('points ' || buyer_id, 0))
    FROM (SELECT DISTINCT buyer_id FROM unnest(${events.map(({ buyerId }) => buyerId)}::text[]) AS buyer (buyer_id) ORDER BY buyer_id) AS buyers`
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

async function grant(tx: Transaction, { orderId, saleId, buyerId, eventId, amountCents }: OrderEvent): Promise<void> {
  const points = Math.floor(amountCents / CENTS_PER_POINT)
  await tx.$executeRaw`
    INSERT INTO points_entries (buyer_id, order_id, sale_id, event_id, step, points)
    VALUES (${buyerId}, ${orderId}::uuid, ${saleId}, ${eventId}::uuid, 'GRANTED', ${points})`
}

/** The points that the order has cost and brought, at the rate of that time; none when it is undone already. */
async function undo(tx: Transaction, { orderId, saleId, buyerId, eventId }: OrderEvent): Promise<void> {
  await tx.$executeRaw`
    INSERT INTO points_entries (buyer_id, order_id, sale_id, event_id, step, points)
    SELECT ${buyerId}, ${orderId}::uuid, ${saleId}, ${eventId}::uuid, 'RETURNED', -sum(points) FROM points_entries
    WHERE order_id = ${orderId}::uuid HAVING sum(points) <> 0`
}
