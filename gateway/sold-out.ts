import type { Logger } from '../core/platform/process/log.ts'
import { mayHold } from '../core/stock/holders.ts'
import type { Stock } from '../core/stock/stock.ts'
import type { Changes } from './changes.ts'

/** Then Redis is asked anew, in case the news of a release got lost. */
const BELIEVED_MS = 1_000

/**
 * What this process knows of sold-out sales, so that most of those who come too late cost Redis nothing. It must not
 * hide a reservation from the buyer who holds it: who may be a holder is asked for along with the stock, and goes the
 * whole way.
 */
export class SoldOut {
  readonly #stock: Stock
  readonly #changes: Changes
  readonly #log: Logger
  readonly #believedMs: number
  /** Who may hold a reservation, by sale. */
  readonly #known = new Map<string, Buffer>()
  readonly #learning = new Set<string>()
  /** Counts releases: what was asked before one says nothing about the time after it. */
  #releasesHeard = 0

  constructor(stock: Stock, changes: Changes, log: Logger, believedMs = BELIEVED_MS) {
    this.#stock = stock
    this.#changes = changes
    this.#log = log
    this.#believedMs = believedMs
    // Deaf, nothing may be believed.
    changes.hear({ released: (saleId) => this.#withdraw(saleId), deaf: () => this.#withdrawAll() })
  }

  /** Whether this buyer can be refused without asking: the sale is sold out and they hold nothing of it. */
  refuses(saleId: string, buyerId: string, units: number): boolean {
    const holders = this.#known.get(saleId)
    return holders !== undefined && !mayHold(holders, buyerId, units)
  }

  /** To be called when Redis said "sold out": learns for everybody who comes within the next second. */
  learn(saleId: string): void {
    if (this.#learning.has(saleId) || this.#changes.isDeaf) return
    this.#learning.add(saleId)
    this.#survey(saleId)
      .catch((error: Error) => this.#log.debug({ err: error.message, saleId }, 'not known whether sold out'))
      .finally(() => this.#learning.delete(saleId))
  }

  async #survey(saleId: string): Promise<void> {
    const heardBefore = this.#releasesHeard
    const survey = await this.#stock.survey(saleId)
    if (survey?.left !== 0 || this.#releasesHeard !== heardBefore) return
    const { holders } = survey
    this.#known.set(saleId, holders)
    setTimeout(() => {
      if (this.#known.get(saleId) === holders) this.#known.delete(saleId)
    }, this.#believedMs).unref()
  }

  #withdraw(saleId: string): void {
    this.#releasesHeard++
    this.#known.delete(saleId)
  }

  #withdrawAll(): void {
    this.#releasesHeard++
    this.#known.clear()
  }
}
