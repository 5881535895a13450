import type { Reservation } from '../contracts/messages.ts'
import type { Database } from '../platform/stores/database.ts'
import { failpoint } from '../platform/process/failpoint.ts'
import { decide, type Verdict } from './decide.ts'
import { readFacts } from './read-facts.ts'
import { recordVerdicts } from './record-verdicts.ts'

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
    const verdicts = decide(reservations, facts, rules.reservationLifetimeMs)
    const fresh = verdicts.filter(({ isNew }) => isNew)
    await recordVerdicts(tx, fresh, facts, rules)
    failpoint('placing.beforeCommit')
    return verdicts
  })
}
