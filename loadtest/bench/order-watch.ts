import { createHistogram } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import type { Sample } from './load/plan.ts'
import type { Measured } from './results.ts'

const FIRST_PAUSE_MS = 5
/**
 * Each pause a little longer than the last: a tenth of exactness, and few questions to a shop that is being measured.
 */
const PAUSE_GROWTH = 1.1
const LIMIT_MS = 60_000

/** Asks for sampled buyers until their reservation has become an order. */
export class OrderWatch {
  readonly #gatewayUrl: string
  readonly #watched: Promise<void>[] = []
  readonly #ms = createHistogram()
  #lost = 0

  constructor(gatewayUrl: string) {
    this.#gatewayUrl = gatewayUrl
  }

  watch = (sample: Sample): void => {
    this.#watched.push(this.#untilOrdered(sample))
  }

  /** @throws when one did not become an order in time. */
  async figures(): Promise<NonNullable<Measured['toOrderMs']>> {
    await Promise.all(this.#watched)
    if (this.#lost > 0)
      throw new Error(
        `${this.#lost} of ${this.#watched.length} sampled reservations were no order after ${LIMIT_MS / 1_000} s.`,
      )
    return { p50: this.#ms.percentile(50), p99: this.#ms.percentile(99), samples: this.#ms.count }
  }

  async #untilOrdered({ reservationId, token, acceptedAtMs }: Sample): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; Date.now() - acceptedAtMs < LIMIT_MS; pauseMs *= PAUSE_GROWTH) {
      await delay(pauseMs)
      const answer = await fetch(`${this.#gatewayUrl}/reservations/${reservationId}`, {
        headers: { authorization: `Bearer ${token}` },
      })
      const { status } = (await answer.json()) as { status?: string }
      if (status === 'ORDERED') {
        this.#ms.record(Math.max(1, Date.now() - acceptedAtMs))
        return
      }
    }
    this.#lost += 1
  }
}
