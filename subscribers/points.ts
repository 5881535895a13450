import type { Transaction } from '../core/platform/database.ts'
import type { OrderEvent } from '../core/contracts/messages.ts'
import type { Subscriber } from './frame/subscriber.ts'

const CENTS_PER_POINT = 100

/** Loyalty points: granted for a payment, taken back with a refund. As good as money, so exactly once. */
export const subscriber: Subscriber = {
  name: 'points',
  events: ['order.paid', 'order.refunded'],
  once: 'inbox',
  handle: (tx, event) => event.type === 'order.paid' ? grant(tx, event) : takeBack(tx, event),
}

async function grant(tx: Transaction, { orderId, saleId, buyerId, eventId, amountCents }: OrderEvent): Promise<void> {
  const points = Math.floor(amountCents / CENTS_PER_POINT)
  await tx.$executeRaw`
    INSERT INTO points_entries (buyer_id, order_id, sale_id, event_id, points) VALUES (${buyerId}, ${orderId}::uuid, ${saleId}, ${eventId}::uuid, ${points})`
}

/** As many as the order has brought, whatever a point may cost by now. */
async function takeBack(tx: Transaction, { orderId, saleId, buyerId, eventId }: OrderEvent): Promise<void> {
  await tx.$executeRaw`
    INSERT INTO points_entries (buyer_id, order_id, sale_id, event_id, points)
    SELECT ${buyerId}, ${orderId}::uuid, ${saleId}, ${eventId}::uuid, -coalesce(sum(points), 0) FROM points_entries WHERE order_id = ${orderId}::uuid`
}
