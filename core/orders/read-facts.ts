import type { RejectionReason } from '../../prisma/generated/client.ts'
import type { Reservation } from '../contracts/messages.ts'
import { Prisma, type Transaction } from '../platform/stores/database.ts'
import { buyerOfSale, type Decision, type Facts, type SaleFacts } from './decide.ts'

interface SaleRow extends SaleFacts {
  id: string
  now: Date
}

/**
 * What `decide` has to know of a batch. Two statements: the snapshot of the second one is taken when it starts, so it
 * must start after the first has taken its locks. The next transaction waits for these locks, and then sees this
 * batch's rows.
 */
export async function readFacts(tx: Transaction, reservations: Reservation[]): Promise<Facts> {
  const saleIds = [...new Set(reservations.map((reservation) => reservation.saleId))]
  // Every transaction locks sales in the order of their ids, so that none can deadlock with another.
  const sales = await tx.$queryRaw<SaleRow[]>`
    SELECT id, stock - sold AS room, sold + returned AS "orderedUnits", price_cents AS "priceCents",
      per_buyer_limit AS "perBuyerLimit", earlier_terms AS "earlierTerms", fenced_epoch AS "fencedEpoch",
      shard_fences AS "shardFences", now() AS now
    FROM sales WHERE id = ANY(${saleIds}) ORDER BY id FOR UPDATE`
  const known = await readKnown(tx, saleIds, reservations)
  const found = new Map(sales.map((sale) => [sale.id, sale]))
  const archived = await findArchived(
    tx,
    reservations.filter(({ saleId }) => !found.has(saleId)),
  )
  const decided = known.filter((row) => row.what === 'decided')
  return {
    nowMs: (sales[0]?.now ?? new Date()).getTime(),
    sales: found,
    // Those of a sale that is archived in part may be in either place.
    decided: new Map([...archived, ...decided].map((row) => [row.reservationId, decisionOf(row)])),
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

export interface DecidedRow {
  reservationId: string
  reason: RejectionReason | null
  orderId: string | null
}

/**
 * Rows of earlier decisions about these reservations; undecided ones are missing. Not a join: the planner would expect
 * as many repeats as there are reservations, and would scan the whole table of orders.
 */
export const selectDecided = (reservationIds: string[]): Prisma.Sql => Prisma.sql`
  SELECT reservation_id AS "reservationId", reason,
    (SELECT id FROM orders WHERE orders.reservation_id = decisions.reservation_id) AS "orderId"
  FROM decisions WHERE reservation_id = ANY(${reservationIds})`

export function decisionOf({ orderId, reason }: DecidedRow): Decision {
  return orderId === null ? { outcome: 'REJECTED', reason: reason ?? 'NOT_ELIGIBLE' } : { outcome: 'ORDERED', orderId }
}

/**
 * Decisions about reservations of archived sales; none about others. A reservation that was never decided is too late,
 * and nothing is written about it: the archived sale is its tombstone.
 */
async function findArchived(tx: Transaction, reservations: Reservation[]): Promise<DecidedRow[]> {
  if (reservations.length === 0) return []
  const ids = reservations.map(({ reservationId }) => reservationId)
  const saleIds = reservations.map(({ saleId }) => saleId)
  return tx.$queryRaw<DecidedRow[]>`
    SELECT r.id AS "reservationId", o.id AS "orderId",
      CASE WHEN d.outcome IS NULL THEN 'EXPIRED' ELSE d.reason END AS reason
    FROM unnest(${ids}::text[], ${saleIds}::text[]) AS r (id, sale_id) JOIN archive.sales s ON s.id = r.sale_id
    LEFT JOIN archive.decisions d ON d.reservation_id = r.id LEFT JOIN archive.orders o ON o.reservation_id = r.id`
}
