import { randomUUID } from 'node:crypto'
import type { Reservation } from '../contracts/messages.ts'
import type { Database, Transaction } from '../platform/database.ts'
import { buyerOfSale, decide, type Facts, type Verdict } from './decide.ts'
import { readDecisions } from './decisions.ts'
import { appendToOutbox, orderEvent, timeoutMessage } from './outbox.ts'
import { countSold, unitsBySale } from './sold-counter.ts'

export interface PlacingRules {
  reservationLifetimeMs: number
  paymentWindowMs: number
}

/** Turns reservations into orders or rejections, once each, in one transaction for the whole batch. */
export async function placeOrders(db: Database, reservations: Reservation[], rules: PlacingRules): Promise<Verdict[]> {
  return db.$transaction(async (tx) => {
    const { facts, prices } = await readFacts(tx, reservations)
    const verdicts = decide(reservations, facts, rules.reservationLifetimeMs, randomUUID)
    const fresh = verdicts.filter((verdict) => verdict.isNew)
    await writeDecisions(tx, fresh)
    await writeOrders(tx, fresh, prices, rules.paymentWindowMs)
    await countSold(tx, unitsBySale(ordered(fresh)))
    await appendToOutbox(tx, fresh.flatMap((verdict) => announce(verdict, new Date(facts.nowMs))))
    return verdicts
  })
}

/**
 * Writes the tombstone that a late message meets, unless the reservation was decided meanwhile. Deciders of one sale
 * take turns on its row, so what this returns is what became of each reservation for good.
 */
export async function rejectAbandoned(
  db: Database, abandoned: Reservation[],
): Promise<Verdict[]> {
  const everyoneIsLate = { reservationLifetimeMs: -Infinity, paymentWindowMs: 0 }
  return placeOrders(db, abandoned, everyoneIsLate)
}

interface SaleRow { id: string; room: number; price_cents: number; now: Date }

/** Locks the sales first: whoever decides next waits here and then sees this batch's rows. */
async function readFacts(tx: Transaction, reservations: Reservation[]): Promise<{ facts: Facts; prices: Map<string, number> }> {
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

/** The reservations that become orders, with their order's id. */
function ordered(verdicts: Verdict[]): (Reservation & { orderId: string })[] {
  return verdicts.flatMap(({ reservation, decision }) => decision.outcome === 'ORDERED' ? [{ ...reservation, orderId: decision.orderId }] : [])
}

async function writeOrders(tx: Transaction, fresh: Verdict[], prices: Map<string, number>, paymentWindowMs: number): Promise<void> {
  const orders = ordered(fresh)
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

function announce({ reservation, decision }: Verdict, at: Date) {
  const { reservationId, saleId, buyerId, quantity } = reservation
  const subject = { reservationId, saleId, buyerId, quantity, sequence: 1, at }
  return decision.outcome === 'ORDERED'
    ? [orderEvent({ ...subject, type: 'order.created', orderId: decision.orderId }), timeoutMessage(decision.orderId)]
    : [orderEvent({ ...subject, type: 'reservation.rejected', orderId: null, reason: decision.reason })]
}
