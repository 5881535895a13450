/** The gateway-wide limit, kept in the process: it protects the process. */
export class TokenBucket {
  readonly #ratePerSecond: number
  readonly #burst: number
  #tokens: number
  #filledAtMs = performance.now()

  constructor(ratePerSecond: number, burst: number) {
    this.#ratePerSecond = ratePerSecond
    this.#burst = burst
    this.#tokens = burst
  }

  /** Takes one token; otherwise tells how many ms it takes until one is there. */
  take(): { taken: true } | { taken: false; waitMs: number } {
    const nowMs = performance.now()
    this.#tokens = Math.min(this.#burst, this.#tokens + ((nowMs - this.#filledAtMs) / 1_000) * this.#ratePerSecond)
    this.#filledAtMs = nowMs
    if (this.#tokens < 1) return { taken: false, waitMs: ((1 - this.#tokens) / this.#ratePerSecond) * 1_000 }
    this.#tokens -= 1
    return { taken: true }
  }
}
