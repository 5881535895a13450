import { randomUUID } from 'node:crypto'
import type { OrderView, PaymentView } from '../../core/contracts/orders.ts'
import { Batcher } from '../../core/platform/batches/batcher.ts'
import { inArchive } from '../../core/platform/stores/archive.ts'
import type { Database, Transaction } from '../../core/platform/stores/database.ts'
import { isOutage } from '../../core/platform/stores/outage.ts'
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

/** Of a crowd that pays: a statement for all of them costs hardly more than one for the first. */
const BATCH_MAX = 64
/** While one batch waits for PostgreSQL, the next one can begin. */
const BATCHES_AT_ONCE = 2

/** An order, in the name of its buyer. */
interface Asked {
  orderId: string
  buyerId: string
}

/** @throws ProviderUnavailable when the provider gives no link */
export type OpenPayment = (asked: Asked, trace?: Trace) => Promise<OpenedPayment>

/**
 * Creates the one payment of the buyer's order, or finds it, and asks the provider for a link. When the order is
 * cancelled concurrently, money that arrives is refunded. Idempotent. Payments that are opened at the same time share a
 * statement.
 */
export function paymentOpener(deps: OpeningDeps): OpenPayment {
  const batcher = new Batcher<Asked, PaymentRow | undefined>({
    itemsMax: BATCH_MAX,
    batchesMax: BATCHES_AT_ONCE,
    run: (asked) => insertPayments(deps.database, asked),
    isOfOneItem: (error) => !isOutage(error),
  })
  return async (asked, trace) => {
    const inserted = await batcher.add(asked)
    return inserted
      ? { outcome: 'OPENED', payment: await viewOf(inserted, deps, trace) }
      : await openExisting(deps, asked, trace)
  }
}

async function openExisting(
  deps: OpeningDeps,
  { orderId, buyerId }: Asked,
  trace: Trace | undefined,
): Promise<OpenedPayment> {
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
 * Of two concurrent calls, the unique order id makes the second wait and then insert nothing; in the order of these
 * ids, so that two batches cannot deadlock. One statement reads the amounts and checks that the sagas are DONE, after which
 * an amount is final.
 * @returns for each; undefined where none was inserted
 */
async function insertPayments(database: Database, asked: Asked[]): Promise<(PaymentRow | undefined)[]> {
  const ids = asked.map(() => randomUUID())
  const inserted = await database.$queryRaw<PaymentRow[]>`
    INSERT INTO payments (id, order_id, amount_cents)
    SELECT asked.id, orders.id, amount_cents
    FROM orders JOIN unnest(
      ${ids}::uuid[], ${asked.map(({ orderId }) => orderId)}::uuid[], ${asked.map(({ buyerId }) => buyerId)}::text[]
    ) AS asked (id, order_id, buyer_id) ON orders.id = asked.order_id AND orders.buyer_id = asked.buyer_id
    WHERE status = 'PENDING_PAYMENT' AND amount_cents > 0
      AND NOT EXISTS (SELECT FROM sagas WHERE sagas.order_id = orders.id AND state <> 'DONE')
    ORDER BY orders.id
    ON CONFLICT (order_id) DO NOTHING
    RETURNING id, order_id, amount_cents, (SELECT reservation_id FROM orders WHERE orders.id = order_id)`
  const byId = new Map(inserted.map((row) => [row.id, row]))
  return ids.map((id) => byId.get(id))
}

type FoundPayment = Omit<PaymentRow, 'id'> & { id: string | null; status: OrderView['status'] }

/**
 * After insertPayments, an unpaid order without a payment means that its saga was not DONE at that moment: no order
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
