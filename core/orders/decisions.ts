import type { RejectionReason } from '../../prisma/generated/client.ts'
import type { Reservation } from '../contracts/messages.ts'
import { Prisma, type Transaction } from '../platform/stores/database.ts'
import type { Decision, Verdict } from './decide.ts'

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
export async function findArchivedDecisions(
  tx: Transaction,
  reservations: Reservation[],
): Promise<Map<string, Decision>> {
  if (reservations.length === 0) return new Map()
  const [ids, saleIds] = [
    reservations.map(({ reservationId }) => reservationId),
    reservations.map(({ saleId }) => saleId),
  ]
  const rows = await tx.$queryRaw<DecidedRow[]>`
    SELECT r.id AS "reservationId", o.id AS "orderId",
      CASE WHEN d.outcome IS NULL THEN 'EXPIRED' ELSE d.reason END AS reason
    FROM unnest(${ids}::text[], ${saleIds}::text[]) AS r (id, sale_id) JOIN archive.sales s ON s.id = r.sale_id
    LEFT JOIN archive.decisions d ON d.reservation_id = r.id LEFT JOIN archive.orders o ON o.reservation_id = r.id`
  return new Map(rows.map((row) => [row.reservationId, decisionOf(row)]))
}

/** The verdicts of those of the reservations that are decided. */
export async function findDecisions(tx: Transaction, reservations: Reservation[]): Promise<Verdict[]> {
  const rows = await tx.$queryRaw<DecidedRow[]>(
    selectDecided(reservations.map((reservation) => reservation.reservationId)),
  )
  const decisions = new Map(rows.map((row) => [row.reservationId, decisionOf(row)]))
  return reservations.flatMap((reservation) => {
    const decision = decisions.get(reservation.reservationId)
    return decision ? [{ reservation, decision, isNew: false }] : []
  })
}
