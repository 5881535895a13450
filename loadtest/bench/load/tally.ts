import { createHistogram } from 'node:perf_hooks'
import { type Counts, noCounts, type Outcome, OUTCOMES, outcomeOf } from './outcomes.ts'

/** Node's own HdrHistogram, in µs: 0.02 µs per record, where the JavaScript one takes 0.2. */
const LIMITS = { lowest: 1, highest: 120_000_000, figures: 3 } as const
const CURVE = [1, 10, 25, 50, 75, 90, 95, 97.5, 99, 99.5, 99.9, 99.95, 99.99, 100]
export const TICK_MS = 250

export interface Latency {
  p50: number
  p95: number
  p99: number
  p999: number
  max: number
  curve: [percentile: number, ms: number][]
}

/**
 * Counts what came back. Rates come from the answers within the run's time; those that came after it count, too, but
 * apart.
 */
export class Tally {
  readonly all = noCounts()
  readonly inTime = noCounts()
  readonly statuses: Record<number, number> = {}
  /** Answers of each outcome per tick. */
  readonly timeline: Counts[] = []
  readonly #latency = createHistogram(LIMITS)
  readonly #endsAtMs: number

  constructor(endsAtMs: number) {
    this.#endsAtMs = endsAtMs
  }

  answered(status: number, nowMs: number, sinceMs: number): Outcome {
    const outcome = outcomeOf(status)
    this.all[outcome] += 1
    if (nowMs <= this.#endsAtMs) this.inTime[outcome] += 1
    this.statuses[status] = (this.statuses[status] ?? 0) + 1
    const tick = (this.timeline[Math.floor(nowMs / TICK_MS)] ??= noCounts())
    tick[outcome] += 1
    this.#latency.record(Math.max(1, Math.round((nowMs - sinceMs) * 1_000)))
    return outcome
  }

  perSecond(): Counts {
    const rates = noCounts()
    for (const outcome of OUTCOMES) rates[outcome] = this.inTime[outcome] / (this.#endsAtMs / 1_000)
    return rates
  }

  latencyMs(): Latency {
    const at = (percentile: number) => this.#latency.percentile(percentile) / 1_000
    return {
      p50: at(50),
      p95: at(95),
      p99: at(99),
      p999: at(99.9),
      max: at(100),
      curve: CURVE.map((percentile) => [percentile, at(percentile)]),
    }
  }
}
