interface Waiting<In, Out> {
  item: In
  resolve: (out: Out) => void
  reject: (error: unknown) => void
}

export interface Batching<In, Out> {
  /** Most items of one batch. */
  itemsMax: number
  /** Batches in flight at a time; while there are so many, the next one fills up. */
  batchesMax: number
  /** Returns one outcome for each item, in their order. An error that it throws rejects all items of the batch. */
  run: (items: In[]) => Promise<Out[]>
  /**
   * Errors after which the items are run again, each by itself: one that cannot be done must not take its neighbours
   * along. Only for runs that do all or nothing.
   */
  isOfOneItem?: (error: unknown) => boolean
}

/**
 * Runs items in batches that grow with the load: of one item when it is calm, of many when the cost of a run is what
 * limits throughput. Batches begin in the order of their items.
 */
export class Batcher<In, Out> {
  readonly #batching: Batching<In, Out>
  #waiting: Waiting<In, Out>[] = []
  #inFlight = 0

  constructor(batching: Batching<In, Out>) {
    this.#batching = batching
  }

  add(item: In): Promise<Out> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      // Not at once: items of the same turn of the event loop share a batch.
      if (this.#waiting.length === 1) setImmediate(() => this.#start())
    })
  }

  #start(): void {
    while (this.#waiting.length > 0 && this.#inFlight < this.#batching.batchesMax) {
      void this.#run(this.#waiting.splice(0, this.#batching.itemsMax))
    }
  }

  async #run(batch: Waiting<In, Out>[]): Promise<void> {
    this.#inFlight++
    await this.#settle(batch)
    this.#inFlight--
    this.#start()
  }

  async #settle(batch: Waiting<In, Out>[]): Promise<void> {
    try {
      const outcomes = await this.#batching.run(batch.map(({ item }) => item))
      batch.forEach(({ resolve, reject }, i) => {
        if (i in outcomes) resolve(outcomes[i] as Out)
        else reject(new Error(`expected ${batch.length} outcomes, got ${outcomes.length}`))
      })
    } catch (error) {
      if (batch.length > 1 && this.#batching.isOfOneItem?.(error)) for (const one of batch) await this.#settle([one])
      else for (const { reject } of batch) reject(error)
    }
  }
}
