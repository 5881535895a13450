/**
 * Every Redis key there is. All keys of a ledger share one hash tag, so that they live in one slot of a Redis Cluster
 * and one script may touch them together.
 */
export class StockKeys {
  readonly #prefix: string

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  /** Sorted set by expiry: names of the ledgers that are loaded. */
  sales = () => `${this.#prefix}sales`
  /** Hash: the sale's figures, see close.lua. */
  sale = (ledger: string) => this.#of(ledger, 'sale')
  /** Set: buyers who may not buy. */
  blacklist = (ledger: string) => this.#of(ledger, 'blacklist')
  /** Hash: the purchases of each buyer, see book.lua. */
  book = (ledger: string) => this.#of(ledger, 'book')
  /** Sorted set by time: reservations the broker has not confirmed yet. */
  pending = (ledger: string) => this.#of(ledger, 'pending')
  /** Sorted set by time: reservations that are neither order nor rejected yet. */
  undecided = (ledger: string) => this.#of(ledger, 'undecided')
  /** Hash: what reservations became, see settle.lua. */
  orders = (ledger: string) => this.#of(ledger, 'orders')
  /** Bit string: buyers who may have a reservation, see holders.ts. */
  holders = (ledger: string) => this.#of(ledger, 'holders')
  /** Hash: token buckets of every other window of that length, see reserve.lua. */
  marks = (ledger: string, windows: 'even' | 'odd', windowMs: number) =>
    this.#of(ledger, `marks:${windows}:${windowMs}`)
  /**
   * Hash: the waiting room of a sale, see core/waiting-room/attend.lua, which also has the sorted sets of its buyers.
   */
  room = (saleId: string) => this.#of(saleId, 'room')
  early = (saleId: string) => this.#of(saleId, 'early')
  line = (saleId: string) => this.#of(saleId, 'line')
  members = (saleId: string) => this.#of(saleId, 'members')
  earlyMembers = (saleId: string) => this.#of(saleId, 'early_members')
  seen = (saleId: string) => this.#of(saleId, 'seen')
  away = (saleId: string) => this.#of(saleId, 'away')
  kept = (saleId: string) => this.#of(saleId, 'kept')
  admitted = (saleId: string) => this.#of(saleId, 'admitted')
  outstanding = (saleId: string) => this.#of(saleId, 'outstanding')
  /** Sorted set: accounts that have asked for tickets of a sale from that address, see ticket-facts.ts. */
  accounts = (saleId: string, address: string) => this.#of(saleId, `accounts:${address}`)
  /** Channel on which changes of reservations are published, see release.lua and settle.lua. */
  changes = () => `${this.#prefix}changes`

  #of(ledger: string, what: string): string {
    return `${this.#prefix}{${ledger}}:${what}`
  }
}
