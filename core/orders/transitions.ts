import { randomUUID } from 'node:crypto'
import type { EndReason } from '../contracts/end-reason.ts'
import { type Database, Prisma, type Transaction } from '../platform/stores/database.ts'
import { appendToOutbox, orderEvent } from './outbox.ts'
import { countReturned } from './sold-counter.ts'

/**
 * The only writer of an order's status once it is placed. Every change is an UPDATE with the old status in its WHERE,
 * and writes its event to the outbox in the same transaction. Locks are always taken in the order sales or payments,
 * then orders: a transaction that ends an order must not have changed its row before (deadlock).
 */

export interface ChangedOrder {
  id: string
  reservationId: string
  saleId: string
  buyerId: string
  quantity: number
  amountCents: number
  couponCode: string | null
  points: number
  sequence: number
  orderedAt: Date
  at: Date
}

/** Why a saga cancels an unpaid order, and why it refunds a paid one. */
export type SagaFailure = Extract<EndReason, 'COUPON_REFUSED' | 'TOO_FEW_POINTS' | 'NOT_COMPLETED'>
export type RefundReason = Extract<EndReason, 'VETOED'>

/** Columns of a changed order `o` under the names of ChangedOrder. */
export const changedOrder = Prisma.sql`
  o.id, o.reservation_id AS "reservationId", o.sale_id AS "saleId", o.buyer_id AS "buyerId", o.quantity,
  o.amount_cents AS "amountCents", o.coupon_code AS "couponCode", o.points, o.sequence,
  o.created_at AS "orderedAt", now() AS at`

/**
 * PENDING_PAYMENT → CANCELLED for those of the orders whose deadline has passed by the database's clock; returns them.
 */
export async function cancelUnpaid(db: Database, orderIds: string[]): Promise<ChangedOrder[]> {
  return db.$transaction((tx) => cancel(tx, orderIds, Prisma.sql`payment_deadline <= now()`, 'UNPAID'))
}

/** PENDING_PAYMENT → CANCELLED for its buyer; none when it is another buyer's or not unpaid. */
export async function cancelForBuyer(db: Database, orderId: string, buyerId: string): Promise<ChangedOrder[]> {
  return db.$transaction((tx) => cancel(tx, [orderId], Prisma.sql`buyer_id = ${buyerId}`, 'BUYER'))
}

/**
 * PENDING_PAYMENT → CANCELLED for those of the orders that are unpaid, because their sagas have failed; part of the
 * caller's transaction.
 */
export async function cancelForSaga(tx: Transaction, orderIds: string[], reason: SagaFailure): Promise<ChangedOrder[]> {
  return cancel(tx, orderIds, Prisma.sql`TRUE`, reason)
}

async function cancel(
  tx: Transaction,
  orderIds: string[],
  condition: Prisma.Sql,
  reason: EndReason,
): Promise<ChangedOrder[]> {
  if (orderIds.length === 0) return []
  await lockSales(tx, orderIds)
  if (orderIds.length > 1) await lockOrders(tx, orderIds)
  const cancelled = await tx.$queryRaw<ChangedOrder[]>`
    UPDATE orders o SET status = 'CANCELLED', cancelled_at = now(), end_reason = ${reason}, sequence = sequence + 1
    WHERE id = ANY(${orderIds}::uuid[]) AND status = 'PENDING_PAYMENT' AND ${condition}
    RETURNING ${changedOrder}`
  await countReturned(tx, cancelled)
  await appendToOutbox(
    tx,
    cancelled.map(({ id, ...order }) => orderEvent({ ...order, type: 'order.cancelled', orderId: id, reason })),
  )
  return cancelled
}

/**
 * PAID → REFUNDED, as part of the caller's transaction: its unit and its money go back. Undefined when it is not paid.
 * The order becomes unsettled again: its unit is still to be released.
 */
export async function refundPaid(
  tx: Transaction,
  orderId: string,
  reason: RefundReason,
): Promise<ChangedOrder | undefined> {
  await lockSales(tx, [orderId])
  const [refunded] = await tx.$queryRaw<ChangedOrder[]>`
    UPDATE orders o SET status = 'REFUNDED', refunded_at = now(), end_reason = ${reason}, settled_at = NULL,
      sequence = sequence + 1
    WHERE id = ${orderId}::uuid AND status = 'PAID'
    RETURNING ${changedOrder}`
  if (!refunded) return undefined
  const { id: _, ...order } = refunded
  await countReturned(tx, [refunded])
  if (refunded.amountCents > 0) await oweMoneyBack(tx, orderId)
  await appendToOutbox(tx, [orderEvent({ ...order, type: 'order.refunded', orderId, reason })])
  return refunded
}

/**
 * PENDING_PAYMENT → PAID for those of the orders that cost nothing and whose sagas, which make the price, are done;
 * part of the caller's transaction. They have no payment and no refund.
 */
export async function payFree(tx: Transaction, orderIds: string[]): Promise<ChangedOrder[]> {
  if (orderIds.length === 0) return []
  return markPaid(
    tx,
    Prisma.sql`id = ANY(${orderIds}::uuid[]) AND amount_cents = 0
      AND NOT EXISTS (SELECT FROM sagas WHERE order_id = o.id AND state <> 'DONE')`,
  )
}

/** PENDING_PAYMENT → PAID for those of the orders that meet the condition; part of the caller's transaction. */
export async function markPaid(tx: Transaction, condition: Prisma.Sql): Promise<ChangedOrder[]> {
  const paid = await tx.$queryRaw<ChangedOrder[]>`
    UPDATE orders o SET status = 'PAID', paid_at = now(), sequence = sequence + 1
    WHERE status = 'PENDING_PAYMENT' AND ${condition}
    RETURNING ${changedOrder}`
  await appendToOutbox(
    tx,
    paid.map(({ id, ...order }) => orderEvent({ ...order, type: 'order.paid', orderId: id })),
  )
  return paid
}

/** Sorted, as everywhere, so that concurrent transactions cannot deadlock. */
export async function lockSales(tx: Transaction, orderIds: string[]): Promise<void> {
  await tx.$queryRaw`
    SELECT id FROM sales WHERE id IN (SELECT sale_id FROM orders WHERE id = ANY(${orderIds}::uuid[]))
    ORDER BY id FOR UPDATE`
}

/** Until the transaction ends; sorted, so that two that change several orders cannot deadlock. */
export async function lockOrders(tx: Transaction, orderIds: (string | null)[]): Promise<void> {
  await tx.$queryRaw`SELECT id FROM orders WHERE id = ANY(${orderIds}::uuid[]) ORDER BY id FOR UPDATE`
}

/**
 * Writes the refund of the order's money, which the order service then sends.
 * @throws when no money has arrived, or when it has a refund already (unique index); neither is expected.
 */
export async function oweMoneyBack(tx: Transaction, orderId: string): Promise<void> {
  const owed = await tx.$executeRaw`
    INSERT INTO refunds (id, payment_id, amount_cents)
    SELECT ${randomUUID()}::uuid, id, amount_cents FROM payments
    WHERE order_id = ${orderId}::uuid AND received_at IS NOT NULL`
  if (owed !== 1) throw new Error(`Order ${orderId}: expected one payment to refund, got ${owed}; rolled back`)
}
