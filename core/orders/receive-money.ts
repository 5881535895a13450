import type { OrderStatus } from '../../prisma/generated/client.ts'
import { inArchive } from '../platform/stores/archive.ts'
import { type Database, Prisma, type Transaction } from '../platform/stores/database.ts'
import { markPaid, oweMoneyBack } from './transitions.ts'

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

/**
 * PENDING_PAYMENT → PAID when money arrives; money for an order that has ended makes exactly one refund, also when its
 * sale is archived: the refund is then written, and sent, in the archive.
 */
export async function receiveMoney(db: Database, money: Money): Promise<MoneyOutcome> {
  const counted = await db.$transaction((tx) => count(tx, money))
  return counted.outcome === 'UNKNOWN_PAYMENT' ? inArchive(db, (tx) => count(tx, money)) : counted
}

/** Plain SQL throughout: Prisma would write the time of this process' clock, and would not read the archive. */
async function count(tx: Transaction, money: Money): Promise<MoneyOutcome> {
  // Locked, so that a payment that is being archived is found here or there.
  const [payment] = await tx.$queryRaw<{ amountCents: number; providerRef: string | null }[]>`
    SELECT amount_cents AS "amountCents", provider_ref AS "providerRef" FROM payments
    WHERE id = ${money.paymentId}::uuid AND order_id = ${money.orderId}::uuid FOR UPDATE`
  if (!payment) return { outcome: 'UNKNOWN_PAYMENT' }
  if (payment.amountCents !== money.amountCents) return { outcome: 'WRONG_AMOUNT', expectedCents: payment.amountCents }
  const first = await tx.$executeRaw`
    UPDATE payments SET received_at = now(), provider_ref = ${money.providerRef}
    WHERE id = ${money.paymentId}::uuid AND received_at IS NULL`
  if (first === 0)
    return {
      outcome: 'ALREADY_COUNTED',
      ...(payment.providerRef !== null &&
        payment.providerRef !== money.providerRef && { countedRef: payment.providerRef }),
    }

  const [paid] = await markPaid(tx, Prisma.sql`id = ${money.orderId}::uuid`)
  if (paid) return { outcome: 'PAID', reservationId: paid.reservationId }
  if (money.amountCents > 0) await oweMoneyBack(tx, money.orderId)
  const [order] = await tx.$queryRaw<[{ status: OrderStatus; reservationId: string }]>`
    SELECT status, reservation_id AS "reservationId" FROM orders WHERE id = ${money.orderId}::uuid`
  return { outcome: 'REFUND_DUE', ...order }
}
