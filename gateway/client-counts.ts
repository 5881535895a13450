/** Streams and waits of one buyer: enough for some tabs and a phone. */
const PER_BUYER_MAX = 6

/** Whose stream or wait it is. */
export interface Client {
  buyerId: string
  address: string
}

/** Counts the streams and waits of a process, so that no client takes them all. */
export class ClientCounts {
  readonly #most: number
  readonly #byBuyer = new Map<string, number>()
  readonly #byAddress = new Map<string, number>()
  #count = 0
  #isClosing = false

  constructor(most: number) {
    this.#most = most
  }

  /** How many wait now. */
  get count(): number {
    return this.#count
  }

  /**
   * Why no further client can wait here, or this one cannot; undefined when they can. An address has at most as many
   * as are free: alone it gets half of all, and beside others still less, so that it never uses up the last.
   */
  refusal({ buyerId, address }: Client): 'FULL' | 'TOO_MANY_OF_ADDRESS' | 'TOO_MANY_OF_YOURS' | undefined {
    const free = this.#most - this.#count
    if (this.#isClosing || free <= 0) return 'FULL'
    if ((this.#byAddress.get(address) ?? 0) >= free) return 'TOO_MANY_OF_ADDRESS'
    return (this.#byBuyer.get(buyerId) ?? 0) >= PER_BUYER_MAX ? 'TOO_MANY_OF_YOURS' : undefined
  }

  /** @returns the end of it, to be called once. */
  add({ buyerId, address }: Client): () => void {
    const change = (by: 1 | -1) => {
      add(this.#byBuyer, buyerId, by)
      add(this.#byAddress, address, by)
      this.#count += by
    }
    change(1)
    return () => change(-1)
  }

  /** Refuses all from now on. */
  close(): void {
    this.#isClosing = true
  }
}

function add(counts: Map<string, number>, key: string, change: number): void {
  const count = (counts.get(key) ?? 0) + change
  if (count > 0) counts.set(key, count)
  else counts.delete(key)
}
