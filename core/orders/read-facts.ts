import type { Reservation } from '../contracts/messages.ts'
import type { Transaction } from '../platform/stores/database.ts'
import { buyerOfSale, type Facts } from './decide.ts'
import { type DecidedRow, decisionOf, selectDecided } from './decisions.ts'

interface SaleRow {
  id: string
  room: number
  priceCents: number
  fencedEpoch: number
  now: Date
}

/**
 * What `decide` has to know of a batch. Two statements: what the second one sees is settled when it starts, so it must
 * not start before the locks of the first are held. Whoever decides next waits there, and then sees this batch's rows.
 */
export async function readFacts(tx: Transaction, reservations: Reservation[]): Promise<Facts> {
  const saleIds = [...new Set(reservations.map((reservation) => reservation.saleId))]
  // In the order of their ids, everywhere: services that lock several sales never wait for each other in a circle.
  const sales = await tx.$queryRaw<SaleRow[]>`
    SELECT id, stock - sold AS room, price_cents AS "priceCents", fenced_epoch AS "fencedEpoch", now() AS now FROM sales WHERE id = ANY(${saleIds}) ORDER BY id FOR UPDATE`
  const known = await readKnown(tx, saleIds, reservations)
  return {
    nowMs: (sales[0]?.now ?? new Date()).getTime(),
    room: new Map(sales.map((sale) => [sale.id, sale.room])),
    priceCents: new Map(sales.map((sale) => [sale.id, sale.priceCents])),
    fencedEpoch: new Map(sales.map((sale) => [sale.id, sale.fencedEpoch])),
    decided: new Map(known.flatMap((row) => (row.what === 'decided' ? [[row.reservationId, decisionOf(row)]] : []))),
    liveBuyers: new Set(known.flatMap((row) => (row.what === 'live' ? [buyerOfSale(row.saleId, row.buyerId)] : []))),
    blacklist: new Set(known.flatMap((row) => (row.what === 'blacklisted' ? [row.buyerId] : []))),
  }
}

type KnownRow =
  | ({ what: 'decided' } & DecidedRow)
  | { what: 'live'; saleId: string; buyerId: string }
  | { what: 'blacklisted'; buyerId: string }

/** Earlier decisions, live orders and blacklisted buyers in one round trip; of a usual batch there are none. */
async function readKnown(tx: Transaction, saleIds: string[], reservations: Reservation[]): Promise<KnownRow[]> {
  const reservationIds = reservations.map((reservation) => reservation.reservationId)
  const buyerIds = [...new Set(reservations.map((reservation) => reservation.buyerId))]
  return tx.$queryRaw<KnownRow[]>`
    SELECT 'decided' AS what, "reservationId", reason, "orderId", NULL AS "saleId", NULL AS "buyerId"
    FROM (${selectDecided(reservationIds)}) AS decided
    UNION ALL
    SELECT 'live', NULL, NULL, NULL, sale_id, buyer_id FROM orders
    WHERE sale_id = ANY(${saleIds}) AND buyer_id = ANY(${buyerIds}) AND status IN ('PENDING_PAYMENT', 'PAID')
    UNION ALL
    SELECT 'blacklisted', NULL, NULL, NULL, NULL, buyer_id FROM blacklist WHERE buyer_id = ANY(${buyerIds})`
}
