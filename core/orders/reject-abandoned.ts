import type { Reservation } from '../contracts/messages.ts'
import type { Database, Transaction } from '../platform/stores/database.ts'
import type { Verdict } from './decide.ts'
import { placeOrders } from './place-orders.ts'
import { type DecidedRow, decisionOf, selectDecided } from './read-facts.ts'

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

/**
 * Writes the tombstone that a late message meets, unless the reservation was decided meanwhile. Transactions that
 * decide about one sale take turns on its row, so the returned verdicts are final.
 */
export async function rejectAbandoned(db: Database, abandoned: Reservation[]): Promise<Verdict[]> {
  const allAreLate = { reservationLifetimeMs: -Infinity, paymentWindowMs: 0, sagaMs: 0 }
  return placeOrders(db, abandoned, allAreLate)
}
