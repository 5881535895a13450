import type { RejectionReason } from '../../prisma/generated/client.ts'
import type { Reservation } from '../contracts/messages.ts'
import type { Transaction } from '../platform/database.ts'
import type { Decision, Verdict } from './decide.ts'

interface DecidedRow { reservation_id: string; reason: RejectionReason | null; order_id: string | null }

/** What was decided before about these reservations, by reservation id; undecided ones are missing. */
export async function readDecisions(tx: Transaction, reservationIds: string[]): Promise<Map<string, Decision>> {
  const rows = await tx.$queryRaw<DecidedRow[]>`
    SELECT d.reservation_id, d.reason, o.id AS order_id
    FROM decisions d LEFT JOIN orders o USING (reservation_id) WHERE d.reservation_id = ANY(${reservationIds})`
  return new Map(rows.map((row) => [row.reservation_id, decisionOf(row)]))
}

/** The verdicts that stand already among these reservations. */
export async function findDecisions(tx: Transaction, reservations: Reservation[]): Promise<Verdict[]> {
  const decisions = await readDecisions(tx, reservations.map((reservation) => reservation.reservationId))
  return reservations.flatMap((reservation) => {
    const decision = decisions.get(reservation.reservationId)
    return decision ? [{ reservation, decision, isNew: false }] : []
  })
}

function decisionOf(row: DecidedRow): Decision {
  return row.order_id === null
    ? { outcome: 'REJECTED', reason: row.reason ?? 'NOT_ELIGIBLE' }
    : { outcome: 'ORDERED', orderId: row.order_id }
}
