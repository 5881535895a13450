import type { OrderStatus } from '../../prisma/generated/client.ts'
import { inArchive } from '../platform/stores/archive.ts'
import { type Database, Prisma, type Transaction } from '../platform/stores/database.ts'
import { lockOrders, markPaid, oweMoneyBack } from './transitions.ts'

export type MoneyOutcome =
  | { outcome: 'PAID'; reservationId: string }
  /** This payment was counted before; `countedRef` is the provider's reference then, when it was another one. */
  | { outcome: 'ALREADY_COUNTED'; countedRef?: string }
  /** The order had ended: its money is refunded, once. */
  | { outcome: 'REFUND_DUE'; status: OrderStatus; reservationId: string }
  | { outcome: 'UNKNOWN_PAYMENT' }
  | { outcome: 'WRONG_AMOUNT'; expectedCents: number }

export interface Money {
  paymentId: string
  orderId: string
  amountCents: number
  providerRef: string
}

interface Payment {
  id: string
  orderId: string
  amountCents: number
  providerRef: string | null
  isCounted: boolean
}

/**
 * PENDING_PAYMENT → PAID when money arrives; money for an order that has ended makes exactly one refund.
 * @returns an outcome for each, in their order. All of them are counted in one transaction, or none.
 */
export function receiveMoney(db: Database, money: Money[]): Promise<MoneyOutcome[]> {
  return db.$transaction((tx) => count(tx, money))
}

/** The same for a payment that is unknown here because its sale is archived: its refund is written, and sent, there. */
export async function receiveArchivedMoney(db: Database, money: Money): Promise<MoneyOutcome> {
  const [counted] = await inArchive(db, (tx) => count(tx, [money]))
  return counted ?? { outcome: 'UNKNOWN_PAYMENT' }
}

/** Plain SQL throughout: Prisma would write the time of this process' clock, and would not read the archive. */
async function count(tx: Transaction, given: Money[]): Promise<MoneyOutcome[]> {
  // PostgreSQL takes ids in upper case, too, and gives them in lower case.
  const money = given.map((one) => ({
    ...one,
    paymentId: one.paymentId.toLowerCase(),
    orderId: one.orderId.toLowerCase(),
  }))
  const payments = await lockPayments(tx, money)
  const judged = money.map((one) => judge(payments.get(one.paymentId), one))
  const ended = await end(
    tx,
    money.filter((_, i) => judged[i] === undefined),
  )
  return judged.map((outcome, i) => outcome ?? (ended.get(money[i]?.orderId ?? '') as MoneyOutcome))
}

/** Locked, so that each is counted once, and one that is being archived is found here or there. */
async function lockPayments(tx: Transaction, money: Money[]): Promise<Map<string, Payment>> {
  const rows = await tx.$queryRaw<Payment[]>`
    SELECT id, order_id AS "orderId", amount_cents AS "amountCents", provider_ref AS "providerRef",
      received_at IS NOT NULL AS "isCounted"
    FROM payments WHERE id = ANY(${money.map(({ paymentId }) => paymentId)}::uuid[])
    ORDER BY order_id FOR UPDATE`
  return new Map(rows.map((row) => [row.id, row]))
}

/** @returns undefined for money that is to be counted; the payment counts as such from here on. */
function judge(payment: Payment | undefined, money: Money): MoneyOutcome | undefined {
  if (!payment || payment.orderId !== money.orderId) return { outcome: 'UNKNOWN_PAYMENT' }
  if (payment.amountCents !== money.amountCents) return { outcome: 'WRONG_AMOUNT', expectedCents: payment.amountCents }
  if (!payment.isCounted) {
    payment.isCounted = true
    payment.providerRef = money.providerRef
    return undefined
  }
  return {
    outcome: 'ALREADY_COUNTED',
    ...(payment.providerRef !== null &&
      payment.providerRef !== money.providerRef && { countedRef: payment.providerRef }),
  }
}

/** Writes the payments down as received, and the orders as paid or the money as owed. @returns outcomes by order */
async function end(tx: Transaction, money: Money[]): Promise<Map<string, MoneyOutcome>> {
  if (money.length === 0) return new Map()
  const orderIds = money.map(({ orderId }) => orderId)
  const [ids, refs] = [money.map(({ paymentId }) => paymentId), money.map(({ providerRef }) => providerRef)]
  await tx.$executeRaw`
    UPDATE payments p SET received_at = now(), provider_ref = given.ref
    FROM unnest(${ids}::uuid[], ${refs}::text[]) AS given (id, ref)
    WHERE p.id = given.id`
  if (orderIds.length > 1) await lockOrders(tx, orderIds)
  const paid = await markPaid(tx, Prisma.sql`id = ANY(${orderIds}::uuid[])`)
  const outcomes = new Map<string, MoneyOutcome>(
    paid.map(({ id, reservationId }) => [id, { outcome: 'PAID', reservationId }]),
  )
  const late = money.filter(({ orderId }) => !outcomes.has(orderId))
  for (const { orderId, amountCents } of late) if (amountCents > 0) await oweMoneyBack(tx, orderId)
  for (const { id, ...order } of late.length > 0 ? await readOrders(tx, late) : [])
    outcomes.set(id, { outcome: 'REFUND_DUE', ...order })
  return outcomes
}

function readOrders(tx: Transaction, money: Money[]) {
  return tx.$queryRaw<{ id: string; status: OrderStatus; reservationId: string }[]>`
    SELECT id, status, reservation_id AS "reservationId" FROM orders
    WHERE id = ANY(${money.map(({ orderId }) => orderId)}::uuid[])`
}
