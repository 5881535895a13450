/** A token bucket in this process: `ratePerSecond` in the long run, `burst` at once after a pause. */
export class TokenBucket {
  readonly #ratePerSecond: number
  readonly #burst: number
  #tokens: number
  /** Monotonic: a step of the wall clock must neither empty nor fill a bucket. */
  #filledAtMs = performance.now()

  constructor(ratePerSecond: number, burst: number) {
    this.#ratePerSecond = ratePerSecond
    this.#burst = burst
    this.#tokens = burst
  }

  /** For a limit that refuses: takes one token, or returns the ms until there is one. */
  take(): { taken: true } | { taken: false; waitMs: number } {
    this.#refill()
    if (this.#tokens < 1) return { taken: false, waitMs: this.#msFor(1 - this.#tokens) }
    this.#tokens -= 1
    return { taken: true }
  }

  /**
   * For a limit that delays: takes the tokens, on credit if need be, and returns the ms to wait before using them.
   * A negative amount gives tokens back.
   */
  spend(amount: number): number {
    this.#refill()
    this.#tokens -= amount
    return Math.max(0, this.#msFor(-this.#tokens))
  }

  /** Tokens now; negative after spending on credit. */
  level(): number {
    this.#refill()
    return this.#tokens
  }

  /** Never raises the level. */
  lowerTo(level: number): void {
    this.#refill()
    this.#tokens = Math.min(this.#tokens, level)
  }

  #refill(): void {
    const nowMs = performance.now()
    this.#tokens = Math.min(this.#burst, this.#tokens + ((nowMs - this.#filledAtMs) / 1_000) * this.#ratePerSecond)
    this.#filledAtMs = nowMs
  }

  #msFor(tokens: number): number {
    return (tokens / this.#ratePerSecond) * 1_000
  }
}
