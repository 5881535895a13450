import type { AuditWatch, Reading } from './audit-watch.ts'
import type { PlannedBuyer } from './buyer.ts'
import type { Call } from './calls.ts'
import type { Crowd } from './crowd.ts'
import { stretched } from '../../support/patience.ts'

export interface Books {
  crowd: Crowd
  watch: AuditWatch
  stock: number
  limitPerBuyer: number
}

/** For this long a gateway may answer "sold out" from memory, when the message of a release was lost. */
const BELIEVED_MS = 1_000

/**
 * Judges a sale that is over by what its buyers and the audit saw. @returns one sentence for each promise that was
 * broken.
 */
export function brokenPromises({ crowd, watch, stock, limitPerBuyer }: Books): string[] {
  return [
    ...crowd.open().map(({ id, seen }) => `accepted and never brought to an end: ${id} (${seen})`),
    ...crowd.buyers.flatMap(reservationsOfOnePurchase),
    ...aboveTheLimit(crowd, limitPerBuyer),
    ...[...watch.wrong].map((finding) => `the audit found ${finding}`),
    ...atTheEnd(watch, stock),
    ...soldOutAtRest(watch.readings, crowd.calls.made),
    ...crowd.calls.unplanned.map((answer) => `an answer that must not occur: ${answer}`),
  ]
}

/**
 * While one lives a purchase gets no other: all but one must have ended without a sale, and none comes back after
 * another.
 */
function reservationsOfOnePurchase({ held }: PlannedBuyer): string[] {
  const ids = held.map(({ id }) => id)
  const alive = held.filter(({ end }) => end === 'PAID')
  const other = held.slice(0, -1).filter(({ end }) => end === 'PAID')
  return [
    ...(new Set(ids).size < ids.length ? [`answered, then another, then the first again: ${ids.join(', ')}`] : []),
    ...(alive.length > 1 ? [`one purchase was paid for several times: ${alive.map(({ id }) => id).join(', ')}`] : []),
    ...other.map(({ id }) => `its purchase was given another while it lived: ${id}`),
  ]
}

function aboveTheLimit({ buyers }: Crowd, limitPerBuyer: number): string[] {
  const paid = new Map<string, number>()
  for (const { id, held } of buyers) paid.set(id, (paid.get(id) ?? 0) + held.filter(({ end }) => end === 'PAID').length)
  return [...paid]
    .filter(([, units]) => units > limitPerBuyer)
    .map(([id, units]) => `${id} has paid for ${units} units`)
}

function atTheEnd({ latest, lastError }: AuditWatch, stock: number): string[] {
  if (!latest) return [`the audit never saw the sale: ${lastError}`]
  const { report, sale } = latest
  // Events that subscribers have not handled yet count as on their way.
  const unfinished = sale.checks.filter(({ state }) => state === 'in flight')
  return [
    ...unfinished.map(({ id, detail }) => `not there in time, check ${id}: ${detail}`),
    ...(report.balanced && report.quiet
      ? []
      : [
          `not balanced and quiet in time: ${JSON.stringify({ ...sale, queues: report.queues, outbox: report.outbox })}`,
        ]),
    ...(sale.sold === stock && sale.orders.PAID === stock
      ? []
      : [`not sold through: ${sale.sold} of ${stock} sold, ${sale.orders.PAID} paid, ${sale.redisLeft} left`]),
    ...(report.queues.deadLetters === 0 ? [] : [`${report.queues.deadLetters} messages were taken for poison`]),
  ]
}

/** While units are left at rest, "sold out" is a wrong answer. */
function soldOutAtRest(readings: Reading[], calls: Call[]): string[] {
  const believedMs = stretched(BELIEVED_MS)
  const refusals = calls.filter((call) => call.code === 'SOLD_OUT')
  return restsWithUnits(readings).flatMap(({ fromMs, toMs, left }) => {
    const wrongly = refusals.filter(
      ({ startedAtMs, endedAtMs }) => startedAtMs >= fromMs + believedMs && endedAtMs <= toMs,
    )
    return wrongly.length > 0
      ? [`${wrongly.length} times "sold out" was told while ${left} units lay at rest, first to ${wrongly[0]?.buyerId}`]
      : []
  })
}

interface Rest {
  fromMs: number
  toMs: number
  left: number
  figures: string
}

/** Intervals between equal quiet readings with units left. */
function restsWithUnits(readings: Reading[]): Rest[] {
  const rests: Rest[] = []
  let current: Rest | undefined
  for (const { report, sale, startedAtMs, endedAtMs } of readings) {
    const left = sale.redisLeft ?? 0
    const figures = JSON.stringify(sale)
    if (!report.quiet || left === 0) current = undefined
    else if (current?.figures === figures) current.toMs = startedAtMs
    else rests.push((current = { fromMs: endedAtMs, toMs: endedAtMs, left, figures }))
  }
  return rests
}
