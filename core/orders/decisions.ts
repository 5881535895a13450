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
 * Rows of what was decided before about these reservations; undecided ones are missing. Not a join, for which the
 * planner expects as many repeats as there are reservations, and would read all orders there are.
 */
export const selectDecided = (reservationIds: string[]): Prisma.Sql => Prisma.sql`
  SELECT reservation_id AS "reservationId", reason,
    (SELECT id FROM orders WHERE orders.reservation_id = decisions.reservation_id) AS "orderId"
  FROM decisions WHERE reservation_id = ANY(${reservationIds})`

export function decisionOf({ orderId, reason }: DecidedRow): Decision {
  return orderId === null ? { outcome: 'REJECTED', reason: reason ?? 'NOT_ELIGIBLE' } : { outcome: 'ORDERED', orderId }
}

/** The verdicts that stand already among these reservations. */
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
