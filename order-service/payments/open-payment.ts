import { randomUUID } from 'node:crypto'
import type { OrderView, PaymentView } from '../../core/contracts/http.ts'
import { payFree } from '../../core/orders/transitions.ts'
import { inArchive } from '../../core/platform/stores/archive.ts'
import type { Database, Transaction } from '../../core/platform/stores/database.ts'
import type { PaymentProvider } from './provider.ts'

export type OpenedPayment =
  | { outcome: 'OPENED' | 'OPEN_ALREADY'; payment: PaymentView }
  | { outcome: 'NOT_PAYABLE'; status: OrderView['status'] }
  /** Its saga has not taken the coupon and the points yet that make the price. */
  | { outcome: 'NOT_READY' }
  | { outcome: 'UNKNOWN_ORDER' }

interface PaymentRow {
  id: string
  order_id: string
  amount_cents: number
}

/**
 * Gives the buyer's order its one payment and a link to pay at. The order may still be cancelled in the same moment:
 * the money then comes back as a refund. @throws ProviderUnavailable when the provider gives no link; asking again is
 * safe.
 */
export async function openPayment(
  deps: { database: Database; provider: PaymentProvider },
  orderId: string,
  buyerId: string,
): Promise<OpenedPayment> {
  const opened = await insertPayment(deps.database, orderId, buyerId)
  if (opened) return { outcome: 'OPENED', payment: await viewOf(opened, deps.provider) }

  const found =
    (await findPayment(deps.database, orderId, buyerId)) ??
    (await inArchive(deps.database, (tx) => findPayment(tx, orderId, buyerId)))
  if (!found) return { outcome: 'UNKNOWN_ORDER' }
  // Only of an earlier release: it left an order unpaid of which nothing was to be paid.
  if (found.amount_cents === 0 && (await deps.database.$transaction((tx) => payFree(tx, [orderId]))).length > 0)
    return { outcome: 'NOT_PAYABLE', status: 'PAID' }
  if (found.status !== 'PENDING_PAYMENT') return { outcome: 'NOT_PAYABLE', status: found.status }
  const { id } = found
  return id === null
    ? { outcome: 'NOT_READY' }
    : { outcome: 'OPEN_ALREADY', payment: await viewOf({ ...found, id }, deps.provider) }
}

/**
 * The unique order id decides between two at a time: the second waits here for the first and then inserts nothing. What
 * is to pay is read at the instant at which the saga is seen to be done, after which it stays.
 */
async function insertPayment(database: Database, orderId: string, buyerId: string): Promise<PaymentRow | undefined> {
  const [inserted] = await database.$queryRaw<PaymentRow[]>`
    INSERT INTO payments (id, order_id, amount_cents)
    SELECT ${randomUUID()}::uuid, id, amount_cents FROM orders
    WHERE id = ${orderId}::uuid AND buyer_id = ${buyerId} AND status = 'PENDING_PAYMENT' AND amount_cents > 0
      AND NOT EXISTS (SELECT FROM sagas WHERE sagas.order_id = orders.id AND state <> 'DONE')
    ON CONFLICT (order_id) DO NOTHING
    RETURNING id, order_id, amount_cents`
  return inserted
}

type FoundPayment = Omit<PaymentRow, 'id'> & { id: string | null; status: OrderView['status'] }

/**
 * An unpaid order without a payment is one whose saga is not done, or was not a moment ago: orders only ever leave that
 * status.
 */
async function findPayment(database: Transaction, orderId: string, buyerId: string): Promise<FoundPayment | undefined> {
  const [found] = await database.$queryRaw<FoundPayment[]>`
    SELECT p.id, o.id AS order_id, o.amount_cents, o.status
    FROM orders o LEFT JOIN payments p ON p.order_id = o.id
    WHERE o.id = ${orderId}::uuid AND o.buyer_id = ${buyerId}`
  return found
}

async function viewOf({ id, order_id, amount_cents }: PaymentRow, provider: PaymentProvider): Promise<PaymentView> {
  const payment = { paymentId: id, orderId: order_id, amountCents: amount_cents }
  return { ...payment, url: await provider.createLink(payment) }
}
