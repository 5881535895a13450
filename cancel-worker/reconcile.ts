import type { Database, Transaction } from '../core/platform/database.ts'
import type { Logger } from '../core/platform/log.ts'
import { KEPT_AFTER_END_MS } from '../core/stock/ledger.ts'
import type { SaleDoor } from '../core/stock/sale-door.ts'

export interface ReconcilingDeps {
  database: Database
  door: SaleDoor
  log: Logger
  /** Called with the units that were added (or, negative, taken away). */
  onHealed: (units: number) => void
}

/** One reconciler at a time: of two that find the same unit missing the second sees that it is back. */
const RECONCILE_LOCK = 7_350_002

interface LedgerTally {
  saleId: string
  epoch: number
  stock: number
  sold: number
  returned: number
  /** Units of ended orders that Redis has not heard of. */
  untold: number
}

/**
 * Compares what Redis has left with what PostgreSQL has sold, while the sale runs, and heals the difference. Units too many
 * are taken away at once. Missing ones are put back only when they were missing for as long as a reservation lives: one
 * that Redis has forgotten may still be on its way, and after that time it becomes no order any more.
 */
export class Reconciler {
  readonly #deps: ReconcilingDeps
  readonly #missingForMs: number
  readonly #missing = new Map<string, { sinceMs: number; least: number }>()

  constructor(deps: ReconcilingDeps, reservationLifetimeMs: number, graceMs: number) {
    this.#deps = deps
    this.#missingForMs = reservationLifetimeMs + graceMs
  }

  /** @throws when a server does not answer. */
  async look(): Promise<void> {
    await this.#deps.database.$transaction(async (tx) => {
      await tx.$executeRaw`SELECT pg_advisory_xact_lock(${RECONCILE_LOCK})`
      for (const before of await readLedgerTallies(tx)) await this.#lookAt(tx, before)
    })
  }

  async #lookAt(tx: Transaction, before: LedgerTally): Promise<void> {
    const { saleId, epoch, stock } = before
    const tally = await this.#deps.door.readTally(saleId, epoch)
    const [after] = await readLedgerTallies(tx, saleId)
    if (!tally || after?.epoch !== epoch) return void this.#missing.delete(saleId)

    // The three were read one after the other. Each bound takes of every term the reading that makes it err on the safe
    // side: at the instant of Redis' answer at least so much was sold, and at most so much was in anybody's hands.
    const returnedMeanwhile = after.returned - before.returned
    const tooMany = tally.left + before.sold - returnedMeanwhile - stock
    const missing = stock - (tally.left + tally.undecidedMax + after.sold + before.untold + returnedMeanwhile)
    if (tooMany > 0) await this.#heal(saleId, epoch, -tooMany)
    else await this.#healMissing(saleId, epoch, missing)
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
    this.#deps.log.warn({ saleId, units: healed }, healed > 0 ? 'units were missing in Redis: put back' : 'Redis had units too many: taken away')
    this.#deps.onHealed(healed)
  }
}

/** Of all sales that Redis should have, or of that one. */
async function readLedgerTallies(tx: Transaction, saleId?: string): Promise<LedgerTally[]> {
  return tx.$queryRaw<LedgerTally[]>`
    SELECT id AS "saleId", epoch, stock, sold, returned,
      (SELECT coalesce(sum(quantity), 0)::int FROM orders WHERE sale_id = sales.id AND status IN ('CANCELLED', 'REFUNDED') AND told_at IS NULL) AS untold
    FROM sales WHERE closes_at > now() - ${KEPT_AFTER_END_MS} * interval '1 ms' AND id = coalesce(${saleId ?? null}, id)`
}
