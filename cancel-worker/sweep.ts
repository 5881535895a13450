import type { Reservation } from '../core/contracts/messages.ts'
import { forgetHandled, forgetProcesses } from '../core/orders/forget.ts'
import { findOverdueOrders } from '../core/orders/overdue.ts'
import { findDecisions, rejectAbandoned } from '../core/orders/reject-abandoned.ts'
import { settleEnded } from '../core/orders/settle-ended.ts'
import { settleDecided } from '../core/orders/settle-decided.ts'
import { attemptEach } from '../core/platform/process/attempt-each.ts'
import { failpoint } from '../core/platform/process/failpoint.ts'
import type { ReservationName } from '../core/stock/reservation.ts'
import type { LedgersInTurn } from '../core/stock/ledgers-in-turn.ts'
import { saleOf } from '../core/stock/shards.ts'
import { cancelAndRelease, type CancelDeps } from './cancel-batch.ts'

export interface SweepLimits {
  graceMs: number
  reservationLifetimeMs: number
}

/** Rows or reservations of one page; a sweep goes on while there are full ones. */
const PAGE = 500
/** The next sweep takes the rest, so that others get their turn at the servers. */
const PAGES_MAX = 100

/** Cancels orders past their deadline whose timeout message was lost. */
export async function sweepUnpaid(deps: CancelDeps, limits: SweepLimits): Promise<void> {
  await forEachPage(async () => {
    const overdue = await findOverdueOrders(deps.database, limits.graceMs, PAGE)
    if (overdue.length === 0) return 0
    deps.log.warn({ orders: overdue.length }, 'timeout messages were lost or late; cancelling their orders')
    await cancelAndRelease(deps, overdue)
    return overdue.length
  })
}

/** Settles paid, cancelled and refunded orders that a crash, or an outage of Redis, has left unsettled. */
export async function sweepUnsettled(deps: CancelDeps): Promise<void> {
  await forEachPage(() => settleEnded(deps, undefined, PAGE))
}

/**
 * Looks up reservations that were undecided in Redis for too long. Decisions of the database are settled again. Without
 * a decision at the end of its lifetime (its message is lost, or so late that it would be dropped), a reservation first
 * gets its tombstone in the database, and is then released. An unknown outcome never releases a unit.
 */
export async function sweepUndecided(deps: CancelDeps, limits: SweepLimits, turns: LedgersInTurn): Promise<void> {
  const beforeMs = (await deps.stock.clock.read()) - limits.graceMs
  const ledgers = (await turns.next()).map((id) => ({ id }))
  // All at once: most ledgers have nothing to sweep, and round trips one after the other would take too long.
  const overdue = await Promise.allSettled(ledgers.map(({ id }) => deps.stock.undecidedBefore(id, beforeMs, 1)))
  await attemptEach(ledgers, async ({ id }, i) => {
    const found = overdue[i]
    if (found?.status === 'rejected') throw found.reason
    if (found && found.value.length > 0) await sweepLedger(deps, limits, id)
  })
}

/** The same for one ledger. */
export async function sweepLedger(deps: CancelDeps, limits: SweepLimits, ledger: string): Promise<void> {
  const nowMs = await deps.stock.clock.read()
  await deps.stock.dateBackUndecided(ledger, nowMs, PAGE)
  await forEachPage(() => sweepPage(deps, limits, ledger, nowMs))
}

/** @returns how many reservations it has settled. */
async function sweepPage(deps: CancelDeps, limits: SweepLimits, ledger: string, nowMs: number): Promise<number> {
  const names = await deps.stock.undecidedBefore(ledger, nowMs - limits.graceMs, PAGE)
  if (names.length === 0) return 0
  const reservations = await readUndecided(deps, ledger, names)
  const decided = await findDecisions(deps.database, reservations)
  const known = new Set(decided.map((verdict) => verdict.reservation.reservationId))
  const lapsed = await readLapsed(deps, limits, ledger, nowMs)
  const abandoned = reservations.filter(({ reservationId }) => !known.has(reservationId) && lapsed.has(reservationId))
  if (abandoned.length > 0)
    deps.log.warn(
      { saleId: saleOf(ledger), reservations: abandoned.length },
      'reservations without a message; releasing them',
    )
  const rejected = abandoned.length > 0 ? await rejectAbandoned(deps.database, abandoned) : []
  if (rejected.length > 0) failpoint('sweeper.beforeRelease')
  await settleDecided(deps.stock, [...decided, ...rejected], deps.log)
  return decided.length + rejected.length
}

/** The oldest reservations past their lifetime, by the clock of the two servers that is behind. */
async function readLapsed(
  { database, stock }: CancelDeps,
  limits: SweepLimits,
  ledger: string,
  nowMs: number,
): Promise<Set<string>> {
  const [clock] = await database.$queryRaw<{ nowMs: number }[]>`
    SELECT (extract(epoch FROM now()) * 1000)::float8 AS "nowMs"`
  const lapsedMs = Math.min(nowMs, clock?.nowMs ?? nowMs) - limits.reservationLifetimeMs - limits.graceMs
  const lapsed = await stock.undecidedBefore(ledger, lapsedMs, PAGE)
  return new Set(lapsed.map(({ reservationId }) => reservationId))
}

async function readUndecided({ stock }: CancelDeps, ledger: string, names: ReservationName[]): Promise<Reservation[]> {
  const records = await stock.readReservations(ledger, names)
  // Expired, a day after the end of its sale: it cannot be settled any more, and would fill the page for ever.
  await Promise.all(names.filter((_, i) => !records[i]).map((name) => stock.forgetUndecided(ledger, name)))
  return records.flatMap((record) => {
    if (!record) return []
    const { reservationId, buyerId, quantity, epoch, reservedAtMs } = record
    return [{ saleId: saleOf(ledger), reservationId, buyerId, quantity, epoch, reservedAtMs }]
  })
}

/** Deletes what subscribers handled long ago, and subscriber processes that ended without signing off. */
export async function sweepHandled({ database }: Pick<CancelDeps, 'database'>, days: number): Promise<void> {
  await forEachPage(() => forgetHandled(database, days, PAGE))
  await forgetProcesses(database)
}

/** Repeats the work while it finishes full pages. */
async function forEachPage(work: () => Promise<number>): Promise<void> {
  for (let page = 0; page < PAGES_MAX; page++) {
    if ((await work()) < PAGE) return
  }
}
