import type { Database } from '../core/platform/stores/database.ts'
import type { Logger } from '../core/platform/process/log.ts'
import { groupBy } from '../core/platform/batches/divide.ts'
import { readState } from '../core/rebuild/close-sale.ts'
import { readDecided } from '../core/rebuild/reopen-sale.ts'
import { nearEpochs } from '../core/rebuild/sales-in-turn.ts'
import { ledgerOf } from '../core/stock/reservation.ts'
import type { SaleAdmin } from '../core/stock/sale-admin.ts'
import type { DecidedReservation } from '../core/stock/sale-state.ts'
import type { Stock } from '../core/stock/stock.ts'

export interface StatusDeps {
  database: Database
  stock: Stock
  saleAdmin: SaleAdmin
  log: Logger
}

/** Of one run: 20 ms, so that 100,000 reservations are compared in some ten minutes. */
const PAGE = 1_000

/**
 * Compares what Redis says of reservations with their orders, page by page in turn. An order that is settled in
 * PostgreSQL and has another status in Redis was settled at a primary from which another had taken over: the sweeper
 * settles it again.
 */
export class StatusReconciler {
  readonly #deps: StatusDeps
  #after = ''

  constructor(deps: StatusDeps) {
    this.#deps = deps
  }

  /** @throws when a server does not answer; then the page is compared again */
  async runOnce(): Promise<void> {
    const epochs = await nearEpochs(this.#deps.database)
    const saleIds = Object.keys(epochs).sort()
    const [last = ''] = this.#after.split('.')
    const saleId = saleIds.find((id) => id >= last) ?? saleIds[0]
    const epoch = epochs[saleId ?? '']
    if (saleId === undefined || epoch === undefined) return
    const after = saleId === last ? this.#after : `${saleId}.`
    const page = await readDecided(this.#deps.database, saleId, after, PAGE)
    const stale = await this.#findStale(page)
    if (stale.length > 0) await this.#unsettle(saleId, epoch, stale)
    // The least text above this sale's id: the next run goes on with the next sale.
    this.#after = page.length === PAGE ? (page.at(-1)?.reservationId ?? '') : `${saleId}-`
  }

  /** Redis is read later than PostgreSQL, and was told before it. */
  async #findStale(page: DecidedReservation[]): Promise<DecidedReservation[]> {
    const ended = page.filter(({ status }) => status === 'PAID' || status === 'CANCELLED' || status === 'REFUNDED')
    const groups = [...groupBy(ended, ({ reservationId }) => ledgerOf(reservationId))]
    const found = await Promise.all(groups.map(([ledger, some]) => this.#deps.stock.readReservations(ledger, some)))
    // Of a buyer's ended reservations Redis keeps the newest.
    return groups.flatMap(([, some], i) =>
      some.filter(({ status }, j) => {
        const record = found[i]?.[j]
        return record !== undefined && record.status !== status
      }),
    )
  }

  /** While a sale is being rebuilt its ledger is not complete; the fence counts what is settled then. */
  async #unsettle(saleId: string, epoch: number, stale: DecidedReservation[]): Promise<void> {
    const { database, saleAdmin, log } = this.#deps
    const { shards } = await database.sale.findUniqueOrThrow({ where: { id: saleId } })
    const found = await readState(saleAdmin, { id: saleId, shards })
    if (found.state !== 'OPEN' || found.epoch !== epoch) return
    const [ids, statuses] = [stale.map(({ orderId }) => orderId), stale.map(({ status }) => status)]
    const count = await database.$executeRaw`
      UPDATE orders o SET settled_at = NULL
      FROM unnest(${ids}::uuid[], ${statuses}::order_status[]) AS stale (id, status), sales s
      WHERE o.id = stale.id AND o.status = stale.status AND o.settled_at IS NOT NULL
        AND s.id = o.sale_id AND s.epoch = ${epoch} AND s.fenced_epoch = ${epoch}`
    if (count > 0) log.warn({ saleId, orders: count }, 'orders had another status in Redis: to be settled again')
  }
}
