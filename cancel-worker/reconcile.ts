import type { Database, Sale, Transaction } from '../core/platform/stores/database.ts'
import type { Logger } from '../core/platform/process/log.ts'
import { slicesOf } from '../core/platform/batches/divide.ts'
import { bringIntoLine } from '../core/rebuild/bring-into-line.ts'
import { closedSale, type SaleRow } from '../core/rebuild/close-sale.ts'
import { DatabaseSalesInTurn } from '../core/rebuild/sales-in-turn.ts'
import { differingFigures, type StockTally } from '../core/stock/sale-state.ts'
import type { SaleAdmin } from '../core/stock/sale-admin.ts'
import { ledgersOf, spread } from '../core/stock/shards.ts'
import { BlacklistReconciler } from './reconcile-blacklist.ts'

export interface ReconcilingDeps {
  database: Database
  saleAdmin: SaleAdmin
  log: Logger
  /** Called with the units that were put back (or, negative, taken away). */
  onHealed: (units: number) => void
}

/** One reconciler at a time: two would both put the same missing unit back. */
const RECONCILE_LOCK = 7_350_002
/** Sales that are compared in one transaction: some 50 ms, so that a timeout hits few sales and not all. */
const SLICE = 100
/** Sales that are not near, in one run: 5,000 of them take two minutes. */
const IN_TURN_MAX = 200
const NAMED_MAX = 5

/** A sale in PostgreSQL, with the units that were sold of it. */
type SoldUnits = SaleRow &
  Pick<Sale, 'sold' | 'returned'> & {
    /** Units of ended orders that are not settled. */
    unsettled: number
  }

/** Both sides of one sale. */
interface Compared {
  sale: SoldUnits
  tally: StockTally
}

/**
 * Compares Redis with PostgreSQL while sales run, and mends the difference. What a sale is (window, title, price,
 * limit, stock, blacklist, rules of the opening) is written into the ledger at once, and units too many are taken away
 * at once. Missing units are put back only after they were missing for as long as a reservation lives: until then a
 * reservation that Redis has lost may still become an order.
 */
export class Reconciler {
  readonly #deps: ReconcilingDeps
  readonly #missingForMs: number
  readonly #missing = new Map<string, { sinceMs: number; least: number }>()
  readonly #turns: DatabaseSalesInTurn
  readonly #blacklists: BlacklistReconciler
  /** By sale, of this run. */
  readonly #failures = new Map<string, unknown>()

  constructor(deps: ReconcilingDeps, reservationLifetimeMs: number, graceMs: number) {
    this.#deps = deps
    this.#missingForMs = reservationLifetimeMs + graceMs
    this.#turns = new DatabaseSalesInTurn(deps.database, IN_TURN_MAX)
    this.#blacklists = new BlacklistReconciler(deps)
  }

  /**
   * Reconciles every sale that is near and some others. @throws when one failed; the others are reconciled all the
   * same.
   */
  async runOnce(): Promise<void> {
    this.#failures.clear()
    const compared: Compared[] = []
    for (const some of slicesOf(
      (await this.#turns.next()).map(({ id }) => id),
      SLICE,
    )) {
      compared.push(...((await this.#attempt(some, () => this.#compareUnits(some))) ?? []))
    }
    for (const one of compared) {
      await this.#attempt([one.sale.id], () => this.#completeMoves(one))
      await this.#attempt([one.sale.id], () => this.#healFigures(one))
    }
    const listed = await this.#blacklists.choose(compared.map(({ tally }) => tally))
    for (const { saleId, shards } of listed.sales)
      for (const ledger of ledgersOf(saleId, shards))
        await this.#attempt([saleId], () => this.#blacklists.heal(ledger, listed.buyerIds))
    await this.#attempt([], () => this.#deps.saleAdmin.list(compared.map(({ tally }) => tally.figures)))
    await this.#noteReconciled(compared)
    if (this.#failures.size > 0) throw namingSales(this.#failures)
  }

  /** Undefined when the work failed: the error is thrown at the end of the run, after the other sales. */
  async #attempt<Result>(saleIds: string[], work: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await work()
    } catch (error) {
      for (const saleId of saleIds) this.#failures.set(saleId, error)
      return undefined
    }
  }

  async #compareUnits(saleIds: string[]): Promise<Compared[]> {
    const { database, saleAdmin } = this.#deps
    return database.$transaction(async (tx) => {
      await tx.$executeRaw`SELECT pg_advisory_xact_lock(${RECONCILE_LOCK})`
      const before = await readSoldUnits(tx, saleIds)
      const tallies = await Promise.all(
        before.map(({ id, epoch, shards }) => this.#attempt([id], () => saleAdmin.readTally(id, epoch, shards))),
      )
      const after = new Map((await readSoldUnits(tx, saleIds)).map((sale) => [sale.id, sale]))
      const compared: Compared[] = []
      for (const [i, earlier] of before.entries()) {
        const [tally, sale] = [tallies[i], after.get(earlier.id)]
        if (!tally || sale?.epoch !== earlier.epoch) this.#missing.delete(earlier.id)
        else {
          compared.push({ sale, tally })
          await this.#attempt([sale.id], () => this.#healUnits(earlier, tally, sale))
        }
      }
      return compared
    })
  }

  async #healUnits(before: SoldUnits, tally: StockTally, after: SoldUnits): Promise<void> {
    const { stock } = before
    // The stock was changed and is not in the ledger yet: healFigures writes it, and the next run compares.
    if (tally.figures.total !== stock || after.stock !== stock) return
    // The three were read one after the other. Each bound takes the reading of each term that errs on the safe side: at
    // the instant of Redis' answer at least so many units were sold, and at most so many were reserved or sold.
    const returnedMeanwhile = after.returned - before.returned
    const tooMany = tally.left + before.sold - returnedMeanwhile - stock
    const missing = stock - (tally.left + tally.undecidedMax + after.sold + before.unsettled + returnedMeanwhile)
    if (tooMany > 0) await this.#heal(before, tally, -tooMany)
    else await this.#healMissing(before, tally, missing)
  }

  async #healMissing(sale: SoldUnits, tally: StockTally, units: number): Promise<void> {
    const { id: saleId } = sale
    if (units <= 0) return void this.#missing.delete(saleId)
    const nowMs = Date.now()
    const { sinceMs, least } = this.#missing.get(saleId) ?? { sinceMs: nowMs, least: units }
    this.#missing.set(saleId, { sinceMs, least: Math.min(least, units) })
    if (nowMs - sinceMs < this.#missingForMs) return
    this.#missing.delete(saleId)
    await this.#heal(sale, tally, Math.min(least, units))
  }

  async #heal({ id, epoch, shards }: SoldUnits, { stocks }: StockTally, units: number): Promise<void> {
    const ledgers = ledgersOf(id, shards)
    const changes = spread(units, stocks).map((change, shard) => ({ ledger: ledgers[shard] ?? id, change }))
    let healed = 0
    for (const { ledger, change } of changes)
      if (change !== 0) healed += await this.#deps.saleAdmin.adjust(ledger, epoch, change)
    this.#deps.log.warn(
      { saleId: id, units: healed },
      healed > 0 ? 'units were missing in Redis: put back' : 'Redis had units too many: taken away',
    )
    this.#deps.onHealed(healed)
  }

  /** Of a process that has died between two steps; completing a move that goes on changes nothing. */
  async #completeMoves({ sale: { id, epoch }, tally }: Compared): Promise<void> {
    for (const move of tally.moves) await this.#deps.saleAdmin.moves.complete({ saleId: id, epoch }, move)
  }

  async #healFigures({ sale, tally }: Compared): Promise<void> {
    const figures = differingFigures(tally.figures, closedSale(sale))
    if (figures.length === 0) return
    await bringIntoLine(this.#deps, sale.id)
    this.#deps.log.warn(
      { saleId: sale.id, figures },
      'the figures of a sale in Redis differed from PostgreSQL: corrected',
    )
  }

  async #noteReconciled(compared: Compared[]): Promise<void> {
    const fine = compared.filter(({ sale }) => !this.#failures.has(sale.id))
    for (const some of slicesOf(fine, SLICE)) {
      await Promise.all(
        some.map(({ sale: { id, epoch } }) =>
          this.#attempt([id], () => this.#deps.saleAdmin.noteReconciled(id, epoch)),
        ),
      )
    }
  }
}

function namingSales(failures: Map<string, unknown>): Error {
  const [first] = failures.values()
  return new Error(
    `${failures.size} sales could not be reconciled, among them ${[...failures.keys()].slice(0, NAMED_MAX).join(', ')}`,
    { cause: first },
  )
}

async function readSoldUnits(tx: Transaction, saleIds: string[]): Promise<SoldUnits[]> {
  return tx.$queryRaw<SoldUnits[]>`
    SELECT id, epoch, title, price_cents AS "priceCents", stock, per_buyer_limit AS "perBuyerLimit", shards,
      opens_at AS "opensAt", closes_at AS "closesAt", is_stopped AS "isStopped", opening,
      opening_seed AS "openingSeed", earlier_terms AS "earlierTerms", sold, returned,
      coalesce(ended.unsettled, 0)::int AS unsettled
    FROM sales LEFT JOIN (
      SELECT sale_id, sum(quantity) AS unsettled FROM orders
      WHERE status IN ('CANCELLED', 'REFUNDED') AND settled_at IS NULL GROUP BY sale_id
    ) AS ended ON ended.sale_id = id
    WHERE id = ANY(${saleIds})`
}
