import { randomUUID } from 'node:crypto'
import type { OrderView, PaymentView } from '../../core/contracts/orders.ts'
import { inArchive } from '../../core/platform/stores/archive.ts'
import type { Database, Transaction } from '../../core/platform/stores/database.ts'
import { step, type Trace } from '../../core/platform/tracing/trace.ts'
import type { PaymentProvider } from './provider.ts'

export type OpenedPayment =
  | { outcome: 'OPENED' | 'OPEN_ALREADY'; payment: PaymentView }
  | { outcome: 'NOT_PAYABLE'; status: OrderView['status'] }
  /** The price is not final: the saga is still taking coupon or points. */
  | { outcome: 'NOT_READY' }
  | { outcome: 'UNKNOWN_ORDER' }

export interface OpeningDeps {
  database: Database
  provider: PaymentProvider
  /** ISO 4217. */
  currency: string
}

interface PaymentRow {
  id: string
  order_id: string
  amount_cents: number
  reservation_id: string
}

/**
 * Creates the one payment of the buyer's order, or finds it, and asks the provider for a link. When the order is
 * cancelled concurrently, money that arrives is refunded. Idempotent.
 * @throws ProviderUnavailable when the provider gives no link
 */
export async function openPayment(
  deps: OpeningDeps,
  orderId: string,
  buyerId: string,
  trace?: Trace,
): Promise<OpenedPayment> {
  const opened = await insertPayment(deps.database, orderId, buyerId)
  if (opened) return { outcome: 'OPENED', payment: await viewOf(opened, deps, trace) }

  const found =
    (await findPayment(deps.database, orderId, buyerId)) ??
    (await inArchive(deps.database, (tx) => findPayment(tx, orderId, buyerId)))
  if (!found) return { outcome: 'UNKNOWN_ORDER' }
  if (found.status !== 'PENDING_PAYMENT') return { outcome: 'NOT_PAYABLE', status: found.status }
  const { id } = found
  return id === null
    ? { outcome: 'NOT_READY' }
    : { outcome: 'OPEN_ALREADY', payment: await viewOf({ ...found, id }, deps, trace) }
}

/**
 * Of two concurrent calls, the unique order id makes the second wait and then insert nothing. One statement reads the
 * amount and checks that the saga is DONE, after which the amount is final.
 */
async function insertPayment(database: Database, orderId: string, buyerId: string): Promise<PaymentRow | undefined> {
  const [inserted] = await database.$queryRaw<PaymentRow[]>`
    INSERT INTO payments (id, order_id, amount_cents)
    SELECT ${randomUUID()}::uuid, id, amount_cents FROM orders
    WHERE id = ${orderId}::uuid AND buyer_id = ${buyerId} AND status = 'PENDING_PAYMENT' AND amount_cents > 0
      AND NOT EXISTS (SELECT FROM sagas WHERE sagas.order_id = orders.id AND state <> 'DONE')
    ON CONFLICT (order_id) DO NOTHING
    RETURNING id, order_id, amount_cents, (SELECT reservation_id FROM orders WHERE orders.id = order_id)`
  return inserted
}

type FoundPayment = Omit<PaymentRow, 'id'> & { id: string | null; status: OrderView['status'] }

/**
 * After insertPayment, an unpaid order without a payment means that its saga was not DONE at that moment: no order
 * enters PENDING_PAYMENT later.
 */
async function findPayment(database: Transaction, orderId: string, buyerId: string): Promise<FoundPayment | undefined> {
  const [found] = await database.$queryRaw<FoundPayment[]>`
    SELECT p.id, o.id AS order_id, o.amount_cents, o.reservation_id, o.status
    FROM orders o LEFT JOIN payments p ON p.order_id = o.id
    WHERE o.id = ${orderId}::uuid AND o.buyer_id = ${buyerId}`
  return found
}

const LINK = { name: 'create payment link', kind: 'CLIENT' } as const

async function viewOf(
  { id, order_id, amount_cents, reservation_id }: PaymentRow,
  { provider, currency }: OpeningDeps,
  trace: Trace | undefined,
): Promise<PaymentView> {
  trace?.isAbout(reservation_id)
  const payment = { paymentId: id, orderId: order_id, amountCents: amount_cents, currency }
  return { ...payment, url: await step(trace, LINK, async () => provider.createLink(payment)) }
}
