import { setTimeout as delay } from 'node:timers/promises'

/** A steady rate: a token bucket that makes its caller wait instead of refusing. */
export class Pace {
  readonly #ratePerSecond: number
  readonly #burst: number
  #tokens: number
  #filledAtMs = performance.now()

  /** `burst` is what may be spent at once after a pause. */
  constructor(ratePerSecond: number, burst: number) {
    this.#ratePerSecond = ratePerSecond
    this.#burst = burst
    this.#tokens = burst
  }

  /** Resolves when `amount` tokens were there; a debt is paid off by the next callers' waiting. */
  async spend(amount: number): Promise<void> {
    if (this.#ratePerSecond === Infinity) return
    const nowMs = performance.now()
    this.#tokens = Math.min(this.#burst, this.#tokens + ((nowMs - this.#filledAtMs) / 1_000) * this.#ratePerSecond)
    this.#filledAtMs = nowMs
    this.#tokens -= amount
    if (this.#tokens < 0) await delay((-this.#tokens / this.#ratePerSecond) * 1_000)
  }
}
