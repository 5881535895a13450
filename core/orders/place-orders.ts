import { randomUUID } from 'node:crypto'
import type { Reservation } from '../contracts/messages.ts'
import type { Database } from '../platform/stores/database.ts'
import { failpoint } from '../platform/process/failpoint.ts'
import { decide, type Verdict } from './decide.ts'
import { findArchivedDecisions } from './decisions.ts'
import { readFacts } from './read-facts.ts'
import { recordVerdicts } from './record-verdicts.ts'
import { payFree } from './transitions.ts'

export interface PlacingRules {
  reservationLifetimeMs: number
  paymentWindowMs: number
  /** How long an order's saga may run before it is compensated. */
  sagaMs: number
}

/** Turns reservations into orders or rejections, once each, in one transaction for the whole batch. */
export async function placeOrders(db: Database, reservations: Reservation[], rules: PlacingRules): Promise<Verdict[]> {
  return db.$transaction(async (tx) => {
    const facts = await readFacts(tx, reservations)
    const withoutSale = reservations.filter(({ saleId }) => !facts.sales.has(saleId))
    // Those of a sale that is archived in part may be in either place.
    const decided = new Map([...(await findArchivedDecisions(tx, withoutSale)), ...facts.decided])
    const verdicts = decide(reservations, { ...facts, decided }, rules.reservationLifetimeMs, randomUUID)
    const fresh = verdicts.filter((verdict) => verdict.isNew)
    await recordVerdicts(tx, fresh, facts, rules)
    const unpriced = fresh.filter(({ reservation }) => facts.sales.get(reservation.saleId)?.priceCents === 0)
    const free = await payFree(tx, ordersIn(unpriced))
    failpoint('placing.beforeCommit')
    const paid = new Set(free.map(({ id }) => id))
    const isPaid = (verdict: Verdict) => ordersIn([verdict]).some((id) => paid.has(id))
    return verdicts.map((verdict) => (isPaid(verdict) ? { ...verdict, isPaid: true } : verdict))
  })
}

const ordersIn = (verdicts: Verdict[]) =>
  verdicts.flatMap(({ decision }) => (decision.outcome === 'ORDERED' ? [decision.orderId] : []))

/**
 * Writes the tombstone that a late message meets, unless the reservation was decided meanwhile. Transactions that
 * decide about one sale take turns on its row, so the returned verdicts are final.
 */
export async function rejectAbandoned(db: Database, abandoned: Reservation[]): Promise<Verdict[]> {
  const allAreLate = { reservationLifetimeMs: -Infinity, paymentWindowMs: 0, sagaMs: 0 }
  return placeOrders(db, abandoned, allAreLate)
}
