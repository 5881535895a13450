interface Pause {
  durationMs: number
  untilMs: number
}

/** Exponential back-off per id: the pause doubles with each failure, up to a limit. Kept in memory only. */
export class RetryBackoff {
  readonly #firstMs: number
  readonly #maxMs: number
  readonly #pauses = new Map<string, Pause>()

  constructor(firstMs: number, maxMs: number) {
    this.#firstMs = firstMs
    this.#maxMs = maxMs
  }

  /** @returns the pause before the next attempt, in ms */
  failed(id: string, nowMs = Date.now()): number {
    const last = this.#pauses.get(id)
    const durationMs = last ? Math.min(last.durationMs * 2, this.#maxMs) : this.#firstMs
    this.#pauses.set(id, { durationMs, untilMs: nowMs + durationMs })
    return durationMs
  }

  succeeded(id: string): void {
    this.#pauses.delete(id)
  }

  /**
   * The ids whose pause is not over. An id without a new attempt long after its pause was handled by another process,
   * and is dropped.
   */
  paused(nowMs = Date.now()): string[] {
    for (const [id, { untilMs }] of this.#pauses) {
      if (nowMs > untilMs + 10 * this.#maxMs) this.#pauses.delete(id)
    }
    return [...this.#pauses].filter(([, { untilMs }]) => untilMs > nowMs).map(([id]) => id)
  }
}
