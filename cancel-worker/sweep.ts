import type { Reservation } from '../core/contracts/messages.ts'
import { findDecisions } from '../core/orders/decisions.ts'
import { forgetHandled, forgetProcesses } from '../core/orders/forget.ts'
import { findOverdueOrders } from '../core/orders/overdue.ts'
import { rejectAbandoned } from '../core/orders/place-orders.ts'
import { settleEnded } from '../core/orders/settle-ended.ts'
import { settleDecided } from '../core/orders/settle-decided.ts'
import { attemptEach } from '../core/platform/process/attempt-each.ts'
import { failpoint } from '../core/platform/process/failpoint.ts'
import type { SalesInTurn } from '../core/stock/sales-in-turn.ts'
import { cancelAndRelease, type CancelDeps } from './cancel-batch.ts'

export interface SweepLimits {
  graceMs: number
  reservationLifetimeMs: number
}

/** Rows or reservations of one page; a sweep goes on while there are full ones. */
const PAGE = 500
/** Then it lets others at the servers; the next sweep takes the rest. */
const PAGES_MAX = 100

/** Cancels orders past their deadline whose timeout message was lost. */
export async function sweepUnpaid(deps: CancelDeps, limits: SweepLimits): Promise<void> {
  await forEachPage(async () => {
    const overdue = await findOverdueOrders(deps.database, limits.graceMs, PAGE)
    if (overdue.length === 0) return 0
    deps.log.warn({ orders: overdue.length }, 'timeout messages were lost or late; cancelling')
    await cancelAndRelease(deps, overdue)
    return overdue.length
  })
}

/** Tells Redis of paid, cancelled and refunded orders that a crash, or its absence, kept from it. */
export async function sweepUnsettled(deps: CancelDeps): Promise<void> {
  await forEachPage(() => settleEnded(deps, undefined, PAGE))
}

/**
 * Looks up reservations that Redis has held undecided for too long. What the database has decided is told again; what
 * nobody has decided past its lifetime (its message is lost, or so late that it would be dropped) is first fenced with
 * a tombstone there, then released here. Nothing is given back on "unknown".
 */
export async function sweepUndecided(deps: CancelDeps, limits: SweepLimits, turns: SalesInTurn): Promise<void> {
  const beforeMs = (await deps.stock.nowMs()) - limits.graceMs
  const sales = (await turns.next()).map((id) => ({ id }))
  // All at once: most sales have nothing to sweep, and one round trip for each would take as long as there are sales.
  const overdue = await Promise.allSettled(sales.map(({ id }) => deps.stock.undecidedBefore(id, beforeMs, 1)))
  await attemptEach(sales, async ({ id }, i) => {
    const found = overdue[i]
    if (found?.status === 'rejected') throw found.reason
    if (found && found.value.length > 0) await sweepSale(deps, limits, id)
  })
}

/** The same for one sale. */
export async function sweepSale(deps: CancelDeps, limits: SweepLimits, saleId: string): Promise<void> {
  const nowMs = await deps.stock.nowMs()
  await deps.stock.dateBackUndecided(saleId, nowMs, PAGE)
  await forEachPage(() => sweepPage(deps, limits, saleId, nowMs))
}

/** @returns how many reservations are undecided no more. */
async function sweepPage(deps: CancelDeps, limits: SweepLimits, saleId: string, nowMs: number): Promise<number> {
  const ids = await deps.stock.undecidedBefore(saleId, nowMs - limits.graceMs, PAGE)
  if (ids.length === 0) return 0
  const reservations = (await Promise.all(ids.map((id) => readReservation(deps, saleId, id)))).filter(
    (found) => found !== undefined,
  )
  const decided = await findDecisions(deps.database, reservations)
  const known = new Set(decided.map((verdict) => verdict.reservation.reservationId))
  const lapsed = await readLapsed(deps, limits, saleId, nowMs)
  const abandoned = reservations.filter(({ reservationId }) => !known.has(reservationId) && lapsed.has(reservationId))
  if (abandoned.length > 0)
    deps.log.warn({ saleId, reservations: abandoned.length }, 'reservations abandoned; ending them')
  const rejected = abandoned.length > 0 ? await rejectAbandoned(deps.database, abandoned) : []
  if (rejected.length > 0) failpoint('sweeper.beforeRelease')
  await settleDecided(deps.stock, [...decided, ...rejected], deps.log)
  return decided.length + rejected.length
}

/**
 * The oldest reservations, past their lifetime by both clocks: should Redis' run ahead for a second, nothing has
 * lapsed.
 */
async function readLapsed(
  { database, stock }: CancelDeps,
  limits: SweepLimits,
  saleId: string,
  nowMs: number,
): Promise<Set<string>> {
  const [clock] = await database.$queryRaw<
    { nowMs: number }[]
  >`SELECT (extract(epoch FROM now()) * 1000)::float8 AS "nowMs"`
  const lapsedMs = Math.min(nowMs, clock?.nowMs ?? nowMs) - limits.reservationLifetimeMs - limits.graceMs
  return new Set(await stock.undecidedBefore(saleId, lapsedMs, PAGE))
}

async function readReservation(
  { stock }: CancelDeps,
  saleId: string,
  reservationId: string,
): Promise<Reservation | undefined> {
  const record = await stock.readReservation(saleId, reservationId)
  // Expired, a day after the end of its sale: nobody can settle it any more, and it would stand in the way of others.
  if (!record) await stock.forgetUndecided(saleId, reservationId)
  return (
    record && {
      saleId,
      reservationId,
      buyerId: record.buyerId,
      quantity: record.quantity,
      epoch: record.epoch,
      reservedAtMs: record.reservedAtMs,
    }
  )
}

/** Forgets what subscribers have handled long ago, and processes of theirs that ended without a word. */
export async function sweepHandled({ database }: Pick<CancelDeps, 'database'>, days: number): Promise<void> {
  await forEachPage(() => forgetHandled(database, days, PAGE))
  await forgetProcesses(database)
}

/** Goes on while the work finishes full pages. */
async function forEachPage(work: () => Promise<number>): Promise<void> {
  for (let page = 0; page < PAGES_MAX; page++) {
    if ((await work()) < PAGE) return
  }
}
