import type { Reservation } from '../contracts/messages.ts'
import type { Transaction } from '../platform/stores/database.ts'
import { buyerOfSale, type Facts, type SaleFacts } from './decide.ts'
import { type DecidedRow, decisionOf, selectDecided } from './decisions.ts'

interface SaleRow extends SaleFacts {
  id: string
  now: Date
}

/**
 * What `decide` has to know of a batch. Two statements: the snapshot of the second one is taken when it starts, so it must
 * start after the first has taken its locks. The next transaction waits for these locks, and then sees this batch's rows.
 */
export async function readFacts(tx: Transaction, reservations: Reservation[]): Promise<Facts> {
  const saleIds = [...new Set(reservations.map((reservation) => reservation.saleId))]
  // Every transaction locks sales in the order of their ids, so that none can deadlock with another.
  const sales = await tx.$queryRaw<SaleRow[]>`
    SELECT id, stock - sold AS room, sold + returned AS "orderedUnits", price_cents AS "priceCents",
      per_buyer_limit AS "perBuyerLimit", fenced_epoch AS "fencedEpoch", now() AS now
    FROM sales WHERE id = ANY(${saleIds}) ORDER BY id FOR UPDATE`
  const known = await readKnown(tx, saleIds, reservations)
  return {
    nowMs: (sales[0]?.now ?? new Date()).getTime(),
    sales: new Map(sales.map((sale) => [sale.id, sale])),
    decided: new Map(known.flatMap((row) => (row.what === 'decided' ? [[row.reservationId, decisionOf(row)]] : []))),
    liveUnits: new Map(
      known.flatMap((row) => (row.what === 'live' ? [[buyerOfSale(row.saleId, row.buyerId), row.units]] : [])),
    ),
    blacklist: new Set(known.flatMap((row) => (row.what === 'blacklisted' ? [row.buyerId] : []))),
  }
}

type KnownRow =
  | ({ what: 'decided' } & DecidedRow)
  | { what: 'live'; saleId: string; buyerId: string; units: number }
  | { what: 'blacklisted'; buyerId: string }

/** Earlier decisions, live units and blacklisted buyers in one round trip; of a usual batch there are none. */
async function readKnown(tx: Transaction, saleIds: string[], reservations: Reservation[]): Promise<KnownRow[]> {
  const reservationIds = reservations.map((reservation) => reservation.reservationId)
  const buyerIds = [...new Set(reservations.map((reservation) => reservation.buyerId))]
  return tx.$queryRaw<KnownRow[]>`
    SELECT 'decided' AS what, "reservationId", reason, "orderId", NULL AS "saleId", NULL AS "buyerId", NULL AS units
    FROM (${selectDecided(reservationIds)}) AS decided
    UNION ALL
    SELECT 'live', NULL, NULL, NULL, sale_id, buyer_id, sum(quantity)::int FROM orders
    WHERE sale_id = ANY(${saleIds}) AND buyer_id = ANY(${buyerIds}) AND status IN ('PENDING_PAYMENT', 'PAID')
    GROUP BY sale_id, buyer_id
    UNION ALL
    SELECT 'blacklisted', NULL, NULL, NULL, NULL, buyer_id, NULL FROM blacklist WHERE buyer_id = ANY(${buyerIds})`
}
