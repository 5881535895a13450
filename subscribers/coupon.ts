import type { OrderEvent } from '../core/contracts/messages.ts'
import { byOrder, mayGoOn, reportStep } from '../core/orders/saga.ts'
import { turnAfter } from '../core/orders/saga-chain.ts'
import type { Transaction } from '../core/platform/stores/database.ts'
import type { Subscriber } from './runtime/subscriber.ts'

/**
 * The coupon that an order names: locked as a step of its saga, used when it is paid, given back when it ends
 * otherwise.
 */
export const subscriber: Subscriber = {
  name: 'coupon',
  events: [
    'order.created',
    'order.points-refused',
    'order.points-returned',
    'order.saga-expired',
    'order.paid',
    'order.cancelled',
    'order.refunded',
  ],
  follows: 'coupon-orders',
  once: 'inbox',
  async handleTogether(tx, events, { config }) {
    const naming = events.filter(({ couponCode }) => couponCode !== null)
    if (naming.length === 0) return
    // Many orders may want few coupons. Sorted, so that concurrent batches cannot deadlock.
    await tx.$queryRaw`SELECT code FROM coupons WHERE code = ANY(${naming.map(({ couponCode }) => couponCode ?? '')}) ORDER BY code FOR UPDATE`
    for (const event of byOrder(naming)) await handle(tx, event, event.couponCode ?? '', config.SAGA_SECONDS * 1_000)
  },
}

async function handle(tx: Transaction, event: OrderEvent, code: string, sagaMs: number): Promise<void> {
  const turn = turnAfter(event)
  if (turn?.of === 'coupon' && turn.direction === 'FORWARDS') return lock(tx, event, code, sagaMs)
  if (event.type === 'order.paid') return use(tx, event, code)
  if (turn?.of === 'coupon' || event.type === 'order.cancelled' || event.type === 'order.refunded')
    await giveBack(tx, event, code)
  if (turn?.of === 'coupon') await reportStep(tx, event, 'order.coupon-returned', { sagaMs })
}

/** One that is another's, or locked or used by another order, is refused; that is written down like the rest. */
async function lock(tx: Transaction, event: OrderEvent, code: string, sagaMs: number): Promise<void> {
  if (!(await mayGoOn(tx, event.orderId))) return
  const [locked] = await tx.$queryRaw<{ offCents: number }[]>`
    UPDATE coupons SET status = 'LOCKED', order_id = ${event.orderId}::uuid
    WHERE code = ${code} AND status = 'AVAILABLE' AND coalesce(buyer_id, ${event.buyerId}) = ${event.buyerId}
    RETURNING least(discount_cents, ${event.amountCents}) AS "offCents"`
  await enter(tx, event, code, locked ? 'LOCKED' : 'REFUSED', locked?.offCents)
  await reportStep(tx, event, locked ? 'order.coupon-locked' : 'order.coupon-refused', {
    sagaMs,
    offCents: locked?.offCents ?? 0,
  })
}

async function use(tx: Transaction, event: OrderEvent, code: string): Promise<void> {
  const used =
    await tx.$executeRaw`UPDATE coupons SET status = 'USED' WHERE code = ${code} AND status = 'LOCKED' AND order_id = ${event.orderId}::uuid`
  if (used === 1) await enter(tx, event, code, 'USED')
}

/** Returns what the order holds: nothing when it never locked the coupon or has returned it. */
async function giveBack(tx: Transaction, event: OrderEvent, code: string): Promise<void> {
  const returned =
    await tx.$executeRaw`UPDATE coupons SET status = 'AVAILABLE', order_id = NULL WHERE code = ${code} AND order_id = ${event.orderId}::uuid`
  if (returned === 1) await enter(tx, event, code, 'RETURNED')
}

async function enter(
  tx: Transaction,
  { orderId, saleId, eventId }: OrderEvent,
  code: string,
  step: 'LOCKED' | 'REFUSED' | 'USED' | 'RETURNED',
  offCents = 0,
): Promise<void> {
  await tx.$executeRaw`
    INSERT INTO coupon_entries (code, order_id, sale_id, event_id, step, off_cents)
    VALUES (${code}, ${orderId}::uuid, ${saleId}, ${eventId}::uuid, ${step}::coupon_step, ${offCents})`
}
