/**
 * Every Redis key there is. All keys of a sale share one hash tag, so that they live in one slot of a Redis Cluster and
 * one script may touch them together.
 */
export class StockKeys {
  readonly #prefix: string

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  /** Sorted set by expiry: ids of the sales that are loaded. */
  sales = () => `${this.#prefix}sales`
  /** Hash: the sale's figures, see close.lua. */
  sale = (saleId: string) => this.#of(saleId, 'sale')
  /** Set: buyers who may not buy. */
  blacklist = (saleId: string) => this.#of(saleId, 'blacklist')
  /** Hash: the purchases of each buyer, see book.lua. */
  book = (saleId: string) => this.#of(saleId, 'book')
  /** Sorted set by time: reservations the broker has not confirmed yet. */
  pending = (saleId: string) => this.#of(saleId, 'pending')
  /** Sorted set by time: reservations that are neither order nor rejected yet. */
  undecided = (saleId: string) => this.#of(saleId, 'undecided')
  /** Hash: what reservations became, see settle.lua. */
  orders = (saleId: string) => this.#of(saleId, 'orders')
  /** Bit string: buyers who may have a reservation, see holders.ts. */
  holders = (saleId: string) => this.#of(saleId, 'holders')
  /** Hash: token buckets, see reserve.lua. */
  marks = (saleId: string, windows: 'even' | 'odd') => this.#of(saleId, `marks:${windows}`)
  /** Channel on which changes of reservations are published, see release.lua and settle.lua. */
  changes = () => `${this.#prefix}changes`

  #of(saleId: string, what: string): string {
    return `${this.#prefix}{${saleId}}:${what}`
  }
}
