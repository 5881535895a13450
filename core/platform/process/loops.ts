import type { Registry } from 'prom-client'
import type { Logger } from './log.ts'
import { gauge } from './metrics.ts'
import type { CheckResult } from './readiness.ts'
import { repeat, type Repeating } from './repeat.ts'

/**
 * A loop is reported once it has failed this often and for this long. A run ends within 10 s and a failed one is
 * retried within 10 s, so both are reached within a minute.
 */
const FAILING = { runs: 2, forMs: 15_000 }

interface LoopState {
  /** Failed runs since the last one that succeeded. */
  failures: number
  failingSinceMs: number
}

/** The background loops of one service. A loop that keeps failing shows in /readyz and in the metrics. */
export class Loops {
  readonly #log: Logger
  readonly #failingForMs: number
  readonly #states = new Map<string, LoopState>()

  constructor(log: Logger, metrics: Registry, failingForMs = FAILING.forMs) {
    this.#log = log
    this.#failingForMs = failingForMs
    const states = this.#states
    gauge(metrics, 'seckill_loop_failures', (shown) => {
      for (const [loop, { failures }] of states) shown.set({ loop }, failures)
    })
  }

  /** As `repeat`, under a name that /readyz and the metrics show. */
  repeat(name: string, intervalMs: number, work: () => Promise<unknown>): Repeating {
    const state: LoopState = { failures: 0, failingSinceMs: 0 }
    this.#states.set(name, state)
    return repeat(intervalMs, work, this.#log.child({ loop: name }), (isSuccess) => {
      if (state.failures === 0) state.failingSinceMs = performance.now()
      state.failures = isSuccess ? 0 : state.failures + 1
    })
  }

  /** For /readyz. */
  check(): CheckResult {
    const failing = [...this.#states].filter(
      ([, { failures, failingSinceMs }]) =>
        failures >= FAILING.runs && performance.now() - failingSinceMs >= this.#failingForMs,
    )
    if (failing.length === 0) return true
    const each = failing.map(([name, { failures }]) => `${name} (${failures} runs)`).join(', ')
    return {
      code: 'LOOP_FAILING',
      detail: `Background loops keep failing: ${each}. The log has the errors; search it for "loop".`,
    }
  }
}
