import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { noCounts, OUTCOMES, type Outcome, outcomeOf, type Percentiles, TICK_MS } from './plan.ts'

/** Node's own HdrHistogram. */
export const durations = () => createHistogram({ lowest: 1, highest: 600_000_000, figures: 3 })
export const addMs = (to: RecordableHistogram, ms: number) => to.record(Math.max(1, Math.round(ms * 1_000)))
export function percentiles(micros: RecordableHistogram): Percentiles {
  const at = (percentile: number) => micros.percentile(percentile) / 1_000
  return { p50: at(50), p99: at(99), p999: at(99.9) }
}

/** Counts answers. Rates come from those within the run's time; later ones count as outcomes only. */
export class Tally {
  readonly outcomes = noCounts()
  /** Accepted per tick. */
  readonly timeline: number[] = []
  readonly latency = durations()
  readonly #inTime = noCounts()
  readonly #endsAtMs: number

  constructor(endsAtMs: number) {
    this.#endsAtMs = endsAtMs
  }

  answered(status: number, dueMs: number, nowMs: number): Outcome {
    const outcome = outcomeOf(status)
    this.outcomes[outcome] += 1
    if (nowMs <= this.#endsAtMs) this.#inTime[outcome] += 1
    const tick = Math.floor(nowMs / TICK_MS)
    while (this.timeline.length <= tick) this.timeline.push(0)
    if (outcome === 'accepted') this.timeline[tick] = (this.timeline[tick] ?? 0) + 1
    addMs(this.latency, nowMs - dueMs)
    return outcome
  }

  perSecond() {
    const rates = noCounts()
    for (const outcome of OUTCOMES) rates[outcome] = this.#inTime[outcome] / (this.#endsAtMs / 1_000)
    return rates
  }
}
