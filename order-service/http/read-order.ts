import type { OrderView } from '../../core/contracts/orders.ts'
import { inArchive } from '../../core/platform/stores/archive.ts'
import type { Database, Transaction } from '../../core/platform/stores/database.ts'

/** What the database knows of an order's view. */
export type StoredOrder = Omit<OrderView, 'currency'>

interface OrderRow {
  id: string
  reservationId: string
  saleId: string
  quantity: number
  amountCents: number
  status: OrderView['status']
  createdAt: Date
  paymentDeadline: Date
  paidAt: Date | null
  cancelledAt: Date | null
  refundedAt: Date | null
  reason: OrderView['reason'] | null
  couponCode: string | null
  points: number
  sagaState: NonNullable<OrderView['saga']>['state'] | null
  sagaReason: OrderView['reason'] | null
  serverTime: Date
}

/**
 * The buyer's own order, also from the archive, with the time of the clock that its deadline goes by; undefined when
 * there is none of that id.
 */
export async function readOrder(
  database: Database,
  orderId: string,
  buyerId: string,
): Promise<StoredOrder | undefined> {
  const row =
    (await findOrder(database, orderId, buyerId)) ??
    (await inArchive(database, (tx) => findOrder(tx, orderId, buyerId)))
  return row && viewOf(row)
}

async function findOrder(database: Transaction, orderId: string, buyerId: string): Promise<OrderRow | undefined> {
  const [row] = await database.$queryRaw<OrderRow[]>`
    SELECT o.id, reservation_id AS "reservationId", o.sale_id AS "saleId", quantity, amount_cents AS "amountCents",
      status, created_at AS "createdAt", payment_deadline AS "paymentDeadline", paid_at AS "paidAt",
      cancelled_at AS "cancelledAt", refunded_at AS "refundedAt", end_reason AS reason,
      coupon_code AS "couponCode", points, s.state AS "sagaState", s.reason AS "sagaReason", now() AS "serverTime"
    FROM orders o LEFT JOIN sagas s ON s.order_id = o.id WHERE o.id = ${orderId}::uuid AND buyer_id = ${buyerId}`
  return row
}

function viewOf({
  paidAt,
  cancelledAt,
  refundedAt,
  reason,
  couponCode,
  points,
  sagaState,
  sagaReason,
  ...row
}: OrderRow): StoredOrder {
  return {
    ...row,
    createdAt: row.createdAt.toISOString(),
    paymentDeadline: row.paymentDeadline.toISOString(),
    ...(paidAt && { paidAt: paidAt.toISOString() }),
    ...(cancelledAt && { cancelledAt: cancelledAt.toISOString() }),
    ...(refundedAt && { refundedAt: refundedAt.toISOString() }),
    ...(reason && { reason }),
    ...(couponCode !== null && { couponCode }),
    ...(points > 0 && { points }),
    ...(sagaState && { saga: { state: sagaState, ...(sagaReason && { reason: sagaReason }) } }),
    serverTime: row.serverTime.toISOString(),
  }
}
