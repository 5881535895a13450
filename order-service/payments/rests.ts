interface Rest {
  lastMs: number
  untilMs: number
}

/** How long to leave alone what has failed: twice as long after each failure, up to a limit. Kept in memory only. */
export class Rests {
  readonly #firstMs: number
  readonly #longestMs: number
  readonly #rests = new Map<string, Rest>()

  constructor(firstMs: number, longestMs: number) {
    this.#firstMs = firstMs
    this.#longestMs = longestMs
  }

  /** @returns for how many ms it rests now. */
  failed(id: string, nowMs = Date.now()): number {
    const last = this.#rests.get(id)
    const restMs = last ? Math.min(last.lastMs * 2, this.#longestMs) : this.#firstMs
    this.#rests.set(id, { lastMs: restMs, untilMs: nowMs + restMs })
    return restMs
  }

  done(id: string): void {
    this.#rests.delete(id)
  }

  /**
   * Those to leave alone for now. What nobody asked for since long after its rest (another service did it) is
   * forgotten.
   */
  resting(nowMs = Date.now()): string[] {
    for (const [id, { untilMs }] of this.#rests) {
      if (nowMs > untilMs + 10 * this.#longestMs) this.#rests.delete(id)
    }
    return [...this.#rests].filter(([, { untilMs }]) => untilMs > nowMs).map(([id]) => id)
  }
}
