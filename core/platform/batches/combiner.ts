interface Waiting<In, Out> {
  item: In
  resolve: (out: Out) => void
  reject: (error: unknown) => void
}

export interface Combination<In, Out> {
  /** Most items of one run. */
  togetherMax: number
  /** Runs under way at a time; while there are so many, the next one fills up. */
  runsMax: number
  /** One outcome for each item, in their order. What it throws, every one of its items gets. */
  run: (items: In[]) => Promise<Out[]>
}

/**
 * Runs together what is asked for together: alone when it is calm, many at a time under load, when a run's own cost is
 * what there is to save. Keeps the order in which items came.
 */
export class Combiner<In, Out> {
  readonly #combination: Combination<In, Out>
  #waiting: Waiting<In, Out>[] = []
  #running = 0

  constructor(combination: Combination<In, Out>) {
    this.#combination = combination
  }

  add(item: In): Promise<Out> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      // Not at once: what else the same turn of the event loop brings comes along.
      if (this.#waiting.length === 1) setImmediate(() => this.#start())
    })
  }

  #start(): void {
    while (this.#waiting.length > 0 && this.#running < this.#combination.runsMax) {
      void this.#run(this.#waiting.splice(0, this.#combination.togetherMax))
    }
  }

  async #run(together: Waiting<In, Out>[]): Promise<void> {
    this.#running++
    try {
      const outcomes = await this.#combination.run(together.map(({ item }) => item))
      together.forEach(({ resolve, reject }, i) => {
        if (i in outcomes) resolve(outcomes[i] as Out)
        else reject(new Error(`expected ${together.length} outcomes, got ${outcomes.length}`))
      })
    } catch (error) {
      for (const { reject } of together) reject(error)
    }
    this.#running--
    this.#start()
  }
}
