import type { Logger } from '../core/platform/process/log.ts'
import { mayHold } from '../core/stock/holders.ts'
import type { SaleFigures } from '../core/stock/sale-figures.ts'
import { holderUnitsOf, ledgersOf, shardOf } from '../core/stock/shards.ts'
import type { Stock } from '../core/stock/stock.ts'
import type { Changes } from './changes.ts'

/** A notification of a release may get lost, so what is known expires after this time. */
const KNOWN_FOR_MS = 1_000
/** Renewed after this part of it while buyers still come: they need not ask Redis for a moment once a second. */
const RENEWED_AFTER = 0.8

interface Known {
  /** The holders' bits, of each shard. */
  holders: Buffer[]
  renewAtMs: number
}

/**
 * What this process knows of sold-out sales, so that most late buyers cost Redis nothing. It must not hide a
 * reservation from its buyer: the holders' bits are read together with the stock, and a possible holder is not refused.
 */
export class SoldOut {
  readonly #stock: Stock
  readonly #changes: Changes
  readonly #log: Logger
  readonly #knownForMs: number
  readonly #known = new Map<string, Known>()
  readonly #learning = new Set<string>()
  /** Counts releases: a survey that began before one is out of date. */
  #releases = 0

  constructor(stock: Stock, changes: Changes, log: Logger, knownForMs = KNOWN_FOR_MS) {
    this.#stock = stock
    this.#changes = changes
    this.#log = log
    this.#knownForMs = knownForMs
    // While the subscription is down, forget everything.
    changes.subscribe({
      released: (saleId) => this.#forget(saleId),
      disconnected: () => this.#forgetAll(),
    })
  }

  /** Whether this buyer can be refused without Redis: the sale is sold out and they have no reservation in it. */
  refuses(sale: Pick<SaleFigures, 'saleId' | 'total' | 'holderUnits' | 'shards'>, buyerId: string): boolean {
    const known = this.#known.get(sale.saleId)
    if (known === undefined) return false
    if (performance.now() >= known.renewAtMs) this.learn(sale)
    const holders = known.holders[shardOf(buyerId, sale.shards)]
    return holders !== undefined && !mayHold(holders, buyerId, holderUnitsOf(sale, buyerId))
  }

  /** Called when Redis has said "sold out": learns it for the buyers of the next second. */
  learn({ saleId, shards }: Pick<SaleFigures, 'saleId' | 'shards'>): void {
    if (this.#learning.has(saleId) || !this.#changes.isConnected) return
    this.#learning.add(saleId)
    this.#survey(saleId, ledgersOf(saleId, shards))
      .catch((error: Error) => this.#log.debug({ err: error.message, saleId }, 'sold-out survey failed'))
      .finally(() => this.#learning.delete(saleId))
  }

  /** Units that move from one shard to another meanwhile are told of as released when they arrive. */
  async #survey(saleId: string, ledgers: string[]): Promise<void> {
    const releasesBefore = this.#releases
    const surveys = await Promise.all(ledgers.map((ledger) => this.#stock.survey(ledger)))
    if (surveys.some((survey) => survey?.left !== 0) || this.#releases !== releasesBefore) return
    const holders = surveys.flatMap((survey) => survey?.holders ?? [])
    const known = { holders, renewAtMs: performance.now() + RENEWED_AFTER * this.#knownForMs }
    this.#known.set(saleId, known)
    setTimeout(() => {
      if (this.#known.get(saleId) === known) this.#known.delete(saleId)
    }, this.#knownForMs).unref()
  }

  #forget(saleId: string): void {
    this.#releases++
    this.#known.delete(saleId)
  }

  #forgetAll(): void {
    this.#releases++
    this.#known.clear()
  }
}
