import type { Database, Sale, Transaction } from '../core/platform/stores/database.ts'
import type { Logger } from '../core/platform/process/log.ts'
import { slicesOf } from '../core/platform/batches/slices.ts'
import { bringIntoLine } from '../core/rebuild/bring-into-line.ts'
import { closedSale, type SaleRow } from '../core/rebuild/close-sale.ts'
import { differingFigures, type StockTally } from '../core/stock/ledger.ts'
import type { SaleDoor } from '../core/stock/sale-door.ts'
import { BlacklistReconciler } from './reconcile-blacklist.ts'
import { LedgerSalesInTurn } from './sales-in-turn.ts'

export interface ReconcilingDeps {
  database: Database
  door: SaleDoor
  log: Logger
  /** Called with the units that were added (or, negative, taken away). */
  onHealed: (units: number) => void
}

/** One reconciler at a time: of two that find the same unit missing the second sees that it is back. */
const RECONCILE_LOCK = 7_350_002
/**
 * Sales that are compared in one transaction: some 50 ms, so that a slow one is cut off alone and others get their
 * turn.
 */
const SLICE = 100
const NAMED_MAX = 5

/** A sale with what was sold of it, by PostgreSQL. */
type LedgerTally = SaleRow &
  Pick<Sale, 'sold' | 'returned'> & {
    /** Units of ended orders that Redis has not heard of. */
    unsettled: number
  }

/** Both sides of one sale. */
interface Compared {
  ledger: LedgerTally
  tally: StockTally
}

/**
 * Compares Redis with PostgreSQL while sales run, and heals the difference. What a sale is (window, title, price,
 * limit, stock, blacklist) is told again at once. Units too many are taken away at once. Missing ones are put back only
 * when they were missing for as long as a reservation lives: one that Redis has forgotten may still be on its way, and
 * after that time it becomes no order any more.
 */
export class Reconciler {
  readonly #deps: ReconcilingDeps
  readonly #missingForMs: number
  readonly #missing = new Map<string, { sinceMs: number; least: number }>()
  readonly #turns: LedgerSalesInTurn
  readonly #blacklists: BlacklistReconciler
  /** Of this look. */
  readonly #failures = new Map<string, unknown>()

  constructor(deps: ReconcilingDeps, reservationLifetimeMs: number, graceMs: number) {
    this.#deps = deps
    this.#missingForMs = reservationLifetimeMs + graceMs
    this.#turns = new LedgerSalesInTurn(deps.database)
    this.#blacklists = new BlacklistReconciler(deps)
  }

  /** One look at every open sale and at some that have ended. @throws when it failed for one; the others are healed. */
  async look(): Promise<void> {
    this.#failures.clear()
    const compared: Compared[] = []
    for (const some of slicesOf(
      (await this.#turns.next()).map(({ id }) => id),
      SLICE,
    )) {
      compared.push(...((await this.#attempt(some, () => this.#compareUnits(some))) ?? []))
    }
    for (const one of compared) await this.#attempt([one.ledger.id], () => this.#tellFigures(one))
    const listed = await this.#blacklists.choose(compared.map(({ tally }) => tally))
    for (const saleId of listed.saleIds)
      await this.#attempt([saleId], () => this.#blacklists.heal(saleId, listed.buyerIds))
    await this.#noteReconciled(compared)
    if (this.#failures.size > 0) throw namingSales(this.#failures)
  }

  /** Undefined when it failed: that is thrown at the end of the look, and keeps no other sale from being healed. */
  async #attempt<Result>(saleIds: string[], work: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await work()
    } catch (error) {
      for (const saleId of saleIds) this.#failures.set(saleId, error)
      return undefined
    }
  }

  async #compareUnits(saleIds: string[]): Promise<Compared[]> {
    const { database, door } = this.#deps
    return database.$transaction(async (tx) => {
      await tx.$executeRaw`SELECT pg_advisory_xact_lock(${RECONCILE_LOCK})`
      const before = await readLedgerTallies(tx, saleIds)
      const tallies = await Promise.all(
        before.map(({ id, epoch }) => this.#attempt([id], () => door.readTally(id, epoch))),
      )
      const after = new Map((await readLedgerTallies(tx, saleIds)).map((ledger) => [ledger.id, ledger]))
      const compared: Compared[] = []
      for (const [i, earlier] of before.entries()) {
        const [tally, ledger] = [tallies[i], after.get(earlier.id)]
        if (!tally || ledger?.epoch !== earlier.epoch) this.#missing.delete(earlier.id)
        else {
          compared.push({ ledger, tally })
          await this.#attempt([ledger.id], () => this.#healUnits(earlier, tally, ledger))
        }
      }
      return compared
    })
  }

  async #healUnits(before: LedgerTally, tally: StockTally, after: LedgerTally): Promise<void> {
    const { id, epoch, stock } = before
    // The stock was changed and Redis does not know yet: told first, compared with the next look.
    if (tally.figures.total !== stock || after.stock !== stock) return
    // The three were read one after the other. Each bound takes of every term the reading that makes it err on the safe
    // side: at the instant of Redis' answer at least so much was sold, and at most so much was in anybody's hands.
    const returnedMeanwhile = after.returned - before.returned
    const tooMany = tally.left + before.sold - returnedMeanwhile - stock
    const missing = stock - (tally.left + tally.undecidedMax + after.sold + before.unsettled + returnedMeanwhile)
    if (tooMany > 0) await this.#heal(id, epoch, -tooMany)
    else await this.#healMissing(id, epoch, missing)
  }

  async #healMissing(saleId: string, epoch: number, units: number): Promise<void> {
    if (units <= 0) return void this.#missing.delete(saleId)
    const nowMs = Date.now()
    const { sinceMs, least } = this.#missing.get(saleId) ?? { sinceMs: nowMs, least: units }
    this.#missing.set(saleId, { sinceMs, least: Math.min(least, units) })
    if (nowMs - sinceMs < this.#missingForMs) return
    this.#missing.delete(saleId)
    await this.#heal(saleId, epoch, Math.min(least, units))
  }

  async #heal(saleId: string, epoch: number, units: number): Promise<void> {
    const healed = await this.#deps.door.adjust(saleId, epoch, units)
    this.#deps.log.warn(
      { saleId, units: healed },
      healed > 0 ? 'units were missing in Redis: put back' : 'Redis had units too many: taken away',
    )
    this.#deps.onHealed(healed)
  }

  async #tellFigures({ ledger, tally }: Compared): Promise<void> {
    const figures = differingFigures(tally.figures, closedSale(ledger))
    if (figures.length === 0) return
    await bringIntoLine(this.#deps, ledger.id)
    this.#deps.log.warn({ saleId: ledger.id, figures }, 'Redis had other figures of a sale than PostgreSQL: told again')
  }

  async #noteReconciled(compared: Compared[]): Promise<void> {
    const fine = compared.filter(({ ledger }) => !this.#failures.has(ledger.id))
    for (const some of slicesOf(fine, SLICE)) {
      await Promise.all(
        some.map(({ ledger: { id, epoch } }) => this.#attempt([id], () => this.#deps.door.noteReconciled(id, epoch))),
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

async function readLedgerTallies(tx: Transaction, saleIds: string[]): Promise<LedgerTally[]> {
  return tx.$queryRaw<LedgerTally[]>`
    SELECT id, epoch, title, price_cents AS "priceCents", stock, per_buyer_limit AS "perBuyerLimit", opens_at AS "opensAt", closes_at AS "closesAt",
      sold, returned, coalesce(ended.unsettled, 0)::int AS unsettled
    FROM sales LEFT JOIN (
      SELECT sale_id, sum(quantity) AS unsettled FROM orders
      WHERE status IN ('CANCELLED', 'REFUNDED') AND settled_at IS NULL GROUP BY sale_id
    ) AS ended ON ended.sale_id = id
    WHERE id = ANY(${saleIds})`
}
