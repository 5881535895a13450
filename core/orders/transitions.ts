import { randomUUID } from 'node:crypto'
import type { OrderStatus } from '../../prisma/generated/client.ts'
import type { ReservationMessage } from '../contracts/messages.ts'
import { type Database, Prisma, type Transaction } from '../platform/database.ts'
import { buyerOfSale, decide, type Facts, type Verdict } from './decide.ts'
import { readDecisions } from './decisions.ts'
import { appendToOutbox, orderEvent, timeoutMessage } from './outbox.ts'

/**
 * The only writer of an order's status. Every change is an UPDATE with the old status in its WHERE, and tells of itself
 * through the outbox in the same transaction. Locks are always taken in the order sales, then orders.
 */

export interface PlacingRules {
  reservationLifetimeMs: number
  paymentWindowMs: number
}

/** Turns reservations into orders or rejections, once each, in one transaction for the whole batch. */
export async function placeOrders(db: Database, reservations: ReservationMessage[], rules: PlacingRules): Promise<Verdict[]> {
  return db.$transaction(async (tx) => {
    const { facts, prices } = await readFacts(tx, reservations)
    const verdicts = decide(reservations, facts, rules.reservationLifetimeMs, randomUUID)
    const fresh = verdicts.filter((verdict) => verdict.isNew)
    await writeDecisions(tx, fresh)
    await writeOrders(tx, fresh, prices, rules.paymentWindowMs)
    await countSold(tx, fresh)
    await appendToOutbox(tx, fresh.flatMap((verdict) => announce(verdict, new Date(facts.nowMs))))
    return verdicts
  })
}

/**
 * Writes the tombstone that a late message meets, unless the reservation was decided meanwhile. Deciders of one sale
 * take turns on its row, so what this returns is what became of each reservation for good.
 */
export async function rejectAbandoned(
  db: Database, abandoned: ReservationMessage[],
): Promise<Verdict[]> {
  const everyoneIsLate = { reservationLifetimeMs: -Infinity, paymentWindowMs: 0 }
  return placeOrders(db, abandoned, everyoneIsLate)
}

interface SaleRow { id: string; room: number; price_cents: number; now: Date }

/** Locks the sales first: whoever decides next waits here and then sees this batch's rows. */
async function readFacts(tx: Transaction, reservations: ReservationMessage[]): Promise<{ facts: Facts; prices: Map<string, number> }> {
  const saleIds = [...new Set(reservations.map((r) => r.saleId))]
  const buyerIds = [...new Set(reservations.map((r) => r.buyerId))]

  const sales = await tx.$queryRaw<SaleRow[]>`
    SELECT id, stock - sold AS room, price_cents, now() AS now
    FROM sales WHERE id = ANY(${saleIds}) ORDER BY id FOR UPDATE`
  const decided = await readDecisions(tx, reservations.map((r) => r.reservationId))
  const buyers = await tx.$queryRaw<{ sale_id: string | null; buyer_id: string }[]>`
    SELECT sale_id, buyer_id FROM orders
    WHERE sale_id = ANY(${saleIds}) AND buyer_id = ANY(${buyerIds}) AND status IN ('PENDING_PAYMENT', 'PAID')
    UNION ALL SELECT NULL, buyer_id FROM blacklist WHERE buyer_id = ANY(${buyerIds})`

  return {
    prices: new Map(sales.map((sale) => [sale.id, sale.price_cents])),
    facts: {
      nowMs: (sales[0]?.now ?? new Date()).getTime(),
      room: new Map(sales.map((sale) => [sale.id, sale.room])),
      decided,
      blacklist: new Set(buyers.filter((row) => row.sale_id === null).map((row) => row.buyer_id)),
      liveBuyers: new Set(buyers.flatMap((row) => row.sale_id === null ? [] : [buyerOfSale(row.sale_id, row.buyer_id)])),
    },
  }
}

async function writeDecisions(tx: Transaction, fresh: Verdict[]): Promise<void> {
  if (fresh.length === 0) return
  await tx.$executeRaw`
    INSERT INTO decisions (reservation_id, sale_id, buyer_id, quantity, outcome, reason)
    SELECT * FROM unnest(
      ${fresh.map((v) => v.reservation.reservationId)}::text[],
      ${fresh.map((v) => v.reservation.saleId)}::text[],
      ${fresh.map((v) => v.reservation.buyerId)}::text[],
      ${fresh.map((v) => v.reservation.quantity)}::int[],
      ${fresh.map((v) => v.decision.outcome)}::outcome[],
      ${fresh.map((v) => (v.decision.outcome === 'REJECTED' ? v.decision.reason : null))}::rejection_reason[])`
}

async function writeOrders(tx: Transaction, fresh: Verdict[], prices: Map<string, number>, paymentWindowMs: number): Promise<void> {
  const orders = fresh.flatMap(({ reservation, decision }) => decision.outcome === 'ORDERED' ? [{ ...reservation, orderId: decision.orderId }] : [])
  if (orders.length === 0) return
  await tx.$executeRaw`
    INSERT INTO orders (id, reservation_id, sale_id, buyer_id, quantity, amount_cents, payment_deadline)
    SELECT id, reservation_id, sale_id, buyer_id, quantity, amount_cents, now() + ${paymentWindowMs} * interval '1 ms'
    FROM unnest(
      ${orders.map((o) => o.orderId)}::uuid[],
      ${orders.map((o) => o.reservationId)}::text[],
      ${orders.map((o) => o.saleId)}::text[],
      ${orders.map((o) => o.buyerId)}::text[],
      ${orders.map((o) => o.quantity)}::int[],
      ${orders.map((o) => o.quantity * (prices.get(o.saleId) ?? 0))}::int[]
    ) AS new (id, reservation_id, sale_id, buyer_id, quantity, amount_cents)`
}

/** Moves each sale's counter once per batch. @throws when a sale would be oversold: the last guard, never to be met. */
async function countSold(tx: Transaction, fresh: Verdict[]): Promise<void> {
  const units = new Map<string, number>()
  for (const { reservation, decision } of fresh) {
    if (decision.outcome === 'ORDERED') units.set(reservation.saleId, (units.get(reservation.saleId) ?? 0) + reservation.quantity)
  }
  for (const [saleId, quantity] of units) {
    const moved = await tx.$executeRaw`
      UPDATE sales SET sold = sold + ${quantity} WHERE id = ${saleId} AND sold + ${quantity} <= stock`
    if (moved !== 1) throw new Error(`Sale ${saleId} has no room for ${quantity} more units; the batch is rolled back`)
  }
}

function announce({ reservation, decision }: Verdict, at: Date) {
  const { reservationId, saleId, buyerId, quantity } = reservation
  const subject = { reservationId, saleId, buyerId, quantity, sequence: 1, at }
  return decision.outcome === 'ORDERED'
    ? [orderEvent({ ...subject, type: 'order.created', orderId: decision.orderId }), timeoutMessage(decision.orderId)]
    : [orderEvent({ ...subject, type: 'reservation.rejected', orderId: null, reason: decision.reason })]
}

export interface ChangedOrder {
  id: string
  reservationId: string
  saleId: string
  buyerId: string
  quantity: number
  sequence: number
  at: Date
}

/** Columns of a changed order under the names of ChangedOrder. */
const changedOrder = Prisma.sql`
  o.id, o.reservation_id AS "reservationId", o.sale_id AS "saleId", o.buyer_id AS "buyerId", o.quantity, o.sequence, now() AS at`

/** PENDING_PAYMENT → CANCELLED for those of the orders whose deadline has passed by the database's clock; returns them. */
export async function cancelUnpaid(db: Database, orderIds: string[]): Promise<ChangedOrder[]> {
  return cancel(db, orderIds, Prisma.sql`payment_deadline <= now()`, 'UNPAID')
}

/** PENDING_PAYMENT → CANCELLED at the buyer's wish; none when it is not theirs or not unpaid. */
export async function cancelForBuyer(db: Database, orderId: string, buyerId: string): Promise<ChangedOrder[]> {
  return cancel(db, [orderId], Prisma.sql`buyer_id = ${buyerId}`, 'BUYER')
}

async function cancel(db: Database, orderIds: string[], condition: Prisma.Sql, reason: string): Promise<ChangedOrder[]> {
  if (orderIds.length === 0) return []
  return db.$transaction(async (tx) => {
    await tx.$queryRaw`
      SELECT id FROM sales WHERE id IN (SELECT sale_id FROM orders WHERE id = ANY(${orderIds}::uuid[])) ORDER BY id FOR UPDATE`
    const cancelled = await tx.$queryRaw<ChangedOrder[]>`
      UPDATE orders o SET status = 'CANCELLED', cancelled_at = now(), sequence = sequence + 1
      WHERE id = ANY(${orderIds}::uuid[]) AND status = 'PENDING_PAYMENT' AND ${condition}
      RETURNING ${changedOrder}`
    for (const [saleId, units] of unitsBySale(cancelled)) {
      await tx.$executeRaw`UPDATE sales SET sold = sold - ${units} WHERE id = ${saleId}`
    }
    await appendToOutbox(tx, cancelled.map(({ id, ...order }) => orderEvent({ ...order, type: 'order.cancelled', orderId: id, reason })))
    return cancelled
  })
}

function unitsBySale(orders: ChangedOrder[]): Map<string, number> {
  const units = new Map<string, number>()
  for (const order of orders) units.set(order.saleId, (units.get(order.saleId) ?? 0) + order.quantity)
  return units
}

export type MoneyOutcome =
  | { outcome: 'PAID'; order: ChangedOrder }
  /** This very payment was counted before. */
  | { outcome: 'ALREADY_COUNTED' }
  /** The order was not waiting for money any more: it goes back, once. */
  | { outcome: 'REFUND_DUE'; status: OrderStatus }
  | { outcome: 'UNKNOWN_PAYMENT' }
  | { outcome: 'WRONG_AMOUNT'; expectedCents: number }

export interface Money {
  paymentId: string
  orderId: string
  amountCents: number
  providerRef: string
}

/** PENDING_PAYMENT → PAID when money arrives; money for an order that has ended makes exactly one refund. */
export async function receiveMoney(db: Database, money: Money): Promise<MoneyOutcome> {
  return db.$transaction(async (tx) => {
    const payment = await tx.payment.findUnique({ where: { id: money.paymentId } })
    if (payment?.orderId !== money.orderId) return { outcome: 'UNKNOWN_PAYMENT' }
    if (payment.amountCents !== money.amountCents) return { outcome: 'WRONG_AMOUNT', expectedCents: payment.amountCents }
    const first = await tx.payment.updateMany({
      where: { id: money.paymentId, receivedAt: null },
      data: { receivedAt: new Date(), providerRef: money.providerRef },
    })
    if (first.count === 0) return { outcome: 'ALREADY_COUNTED' }

    const [paid] = await tx.$queryRaw<ChangedOrder[]>`
      UPDATE orders o SET status = 'PAID', paid_at = now(), sequence = sequence + 1
      WHERE id = ${money.orderId}::uuid AND status = 'PENDING_PAYMENT'
      RETURNING ${changedOrder}`
    if (paid) {
      const { id, ...order } = paid
      await appendToOutbox(tx, [orderEvent({ ...order, type: 'order.paid', orderId: id })])
      return { outcome: 'PAID', order: paid }
    }
    await tx.refund.create({ data: { id: randomUUID(), paymentId: money.paymentId, amountCents: money.amountCents } })
    const { status } = await tx.order.findUniqueOrThrow({ where: { id: money.orderId }, select: { status: true } })
    return { outcome: 'REFUND_DUE', status }
  })
}
