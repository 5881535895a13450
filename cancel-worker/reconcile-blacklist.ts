import type { Database } from '../core/platform/stores/database.ts'
import type { Logger } from '../core/platform/process/log.ts'
import type { SaleFigures } from '../core/stock/sale-figures.ts'
import type { StockTally } from '../core/stock/sale-state.ts'
import type { SaleAdmin } from '../core/stock/sale-admin.ts'
import { saleOf } from '../core/stock/shards.ts'

export interface BlacklistDeps {
  database: Database
  saleAdmin: SaleAdmin
  log: Logger
}

/** Entries that are compared one by one in a run: some 50 ms of Redis. */
const COMPARED_MAX = 50_000

/**
 * Compares the blacklist of each sale in Redis with PostgreSQL's. Where the number of entries is right, the entries are
 * compared one by one, in as many sales per run as the length of the list allows; sales take turns.
 */
export class BlacklistReconciler {
  readonly #deps: BlacklistDeps
  #turn = 0

  constructor(deps: BlacklistDeps) {
    this.#deps = deps
  }

  /** The sales to compare in this run, and the buyers to be listed in each. @throws when PostgreSQL does not answer */
  async choose(tallies: StockTally[]): Promise<{ sales: SaleFigures[]; buyerIds: string[] }> {
    const count = await this.#deps.database.blacklistEntry.count()
    const suspects = tallies.filter(({ blacklisted }) => blacklisted.some((listed) => listed !== count))
    const inTurn = count === 0 ? [] : this.#inTurn(tallies, Math.max(1, Math.floor(COMPARED_MAX / count)))
    const sales = [...new Set([...suspects, ...inTurn].map(({ figures }) => figures))]
    if (sales.length === 0) return { sales, buyerIds: [] }
    const entries = await this.#deps.database.blacklistEntry.findMany({ select: { buyerId: true } })
    return { sales, buyerIds: entries.map(({ buyerId }) => buyerId) }
  }

  #inTurn(tallies: StockTally[], most: number): StockTally[] {
    const some = tallies.slice(this.#turn, this.#turn + most)
    this.#turn = this.#turn + most < tallies.length ? this.#turn + most : 0
    return some
  }

  /** @throws when PostgreSQL or Redis does not answer */
  async heal(ledger: string, listed: string[]): Promise<void> {
    const { saleAdmin, log } = this.#deps
    const { missing, extra } = await saleAdmin.compareBlacklist(ledger, listed)
    if (missing.length + extra.length === 0) return
    // Buyers may have been listed or unlisted since the list was read.
    const now = await this.#listedAmong([...missing, ...extra])
    const [toList, toUnlist] = [
      missing.filter((buyerId) => now.has(buyerId)),
      extra.filter((buyerId) => !now.has(buyerId)),
    ]
    await saleAdmin.setBlacklisted(ledger, toList, true)
    await saleAdmin.setBlacklisted(ledger, toUnlist, false)
    log.warn(
      { saleId: saleOf(ledger), listed: toList.length, unlisted: toUnlist.length },
      'Redis had another blacklist than PostgreSQL: corrected',
    )
  }

  async #listedAmong(buyerIds: string[]): Promise<Set<string>> {
    const rows = await this.#deps.database.$queryRaw<
      { id: string }[]
    >`SELECT buyer_id AS id FROM blacklist WHERE buyer_id = ANY(${buyerIds})`
    return new Set(rows.map(({ id }) => id))
  }
}
