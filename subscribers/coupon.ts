import type { OrderEvent } from '../core/contracts/messages.ts'
import type { Transaction } from '../core/platform/database.ts'
import type { Subscriber } from './frame/subscriber.ts'

/** The coupon that an order names: locked while it is unpaid, used when it is paid, given back when it ends otherwise. */
export const subscriber: Subscriber = {
  name: 'coupon',
  events: ['order.created', 'order.paid', 'order.cancelled', 'order.refunded'],
  once: 'inbox',
  async handle(tx, event) {
    const { couponCode } = event
    if (couponCode === null) return
    if (event.type === 'order.created') await lock(tx, event, couponCode)
    else if (event.type === 'order.paid') await use(tx, event, couponCode)
    else await giveBack(tx, event, couponCode)
  },
}

/** One that is another's, or locked or used by another order, is refused; that is written down like the rest. */
async function lock(tx: Transaction, event: OrderEvent, code: string): Promise<void> {
  const locked = await tx.$executeRaw`
    UPDATE coupons SET status = 'LOCKED', order_id = ${event.orderId}::uuid
    WHERE code = ${code} AND status = 'AVAILABLE' AND coalesce(buyer_id, ${event.buyerId}) = ${event.buyerId}`
  await enter(tx, event, code, locked === 1 ? 'LOCKED' : 'REFUSED')
}

async function use(tx: Transaction, event: OrderEvent, code: string): Promise<void> {
  const used = await tx.$executeRaw`UPDATE coupons SET status = 'USED' WHERE code = ${code} AND status = 'LOCKED' AND order_id = ${event.orderId}::uuid`
  if (used === 1) await enter(tx, event, code, 'USED')
}

async function giveBack(tx: Transaction, event: OrderEvent, code: string): Promise<void> {
  const returned = await tx.$executeRaw`UPDATE coupons SET status = 'AVAILABLE', order_id = NULL WHERE code = ${code} AND order_id = ${event.orderId}::uuid`
  if (returned === 1) await enter(tx, event, code, 'RETURNED')
}

async function enter(tx: Transaction, { orderId, saleId, eventId }: OrderEvent, code: string, step: 'LOCKED' | 'REFUSED' | 'USED' | 'RETURNED'): Promise<void> {
  await tx.$executeRaw`
    INSERT INTO coupon_entries (code, order_id, sale_id, event_id, step) VALUES (${code}, ${orderId}::uuid, ${saleId}, ${eventId}::uuid, ${step}::coupon_step)`
}
