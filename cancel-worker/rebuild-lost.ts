import type { DepthReader } from '../core/platform/rabbit/depth-reader.ts'
import { INTAKE } from '../core/contracts/topology.ts'
import type { Sale } from '../core/platform/stores/database.ts'
import { attemptEach } from '../core/platform/process/attempt-each.ts'
import { closeSale, readShards, readState } from '../core/rebuild/close-sale.ts'
import { reopenSale } from '../core/rebuild/reopen-sale.ts'
import { DatabaseSalesInTurn, type SaleInTurn } from '../core/rebuild/sales-in-turn.ts'
import type { SaleState } from '../core/stock/sale-state.ts'
import type { SaleAdmin } from '../core/stock/sale-admin.ts'
import { ledgersOf } from '../core/stock/shards.ts'
import type { CancelDeps } from './cancel-batch.ts'
import { sweepLedger } from './sweep.ts'

export interface RebuildingDeps extends CancelDeps {
  saleAdmin: SaleAdmin
  queues: Pick<DepthReader, 'depths'>
  /** Called with the number of sales within their window whose ledger is not open. */
  onClosed: (sales: number) => void
  onRebuilt: () => void
  /** Makes the connection to Redis anew. */
  reconnect: () => void
}

/**
 * When nothing has changed for this long, all accepted reservations count as written: eight batches of an order
 * service.
 */
const DRAINED_MS = 2_000
/**
 * A reservation that is undecided after this long has lost its message, or its consumer is stuck; it becomes EXPIRED.
 */
const STANDSTILL_MS = 10_000
/** A new sale is left for this long to the process that has created it and is bringing it into Redis. */
const NEW_MS = 2_000
/** When nothing has progressed for this long, the process that was filling in a fenced sale has died. */
const STUCK_MS = 5_000

/** They take some 20 ms each when Redis has lost them, and the sales that are near wait meanwhile. */
const IN_TURN_MAX = 50

interface Watched {
  closedSinceMs: number
  seen: string
  sameSinceMs: number
}

/**
 * Rebuilds the ledger of sales that Redis has lost, or may have lost: after every start of a server its copy may be an
 * old one. Closes such a sale, waits until the accepted reservations have become orders, then rebuilds the ledger from
 * PostgreSQL and opens the sale again. Any number of workers may do so at a time.
 */
export class Rebuilder {
  readonly #deps: RebuildingDeps
  readonly #reservationLifetimeMs: number
  readonly #watched = new Map<string, Watched>()
  /** By sale: the epoch that Redis was behind when its connection was last made anew. */
  readonly #reconnectedFor = new Map<string, number>()
  readonly #turns: DatabaseSalesInTurn

  constructor(deps: RebuildingDeps, reservationLifetimeMs: number) {
    this.#deps = deps
    this.#reservationLifetimeMs = reservationLifetimeMs
    this.#turns = new DatabaseSalesInTurn(deps.database, IN_TURN_MAX)
  }

  /** Checks every sale that is near and some others. @throws when one failed; the others are rebuilt all the same. */
  async runOnce(): Promise<void> {
    const sales = await this.#turns.next()
    // All at once: round trips one after the other would take too long with many sales.
    const answers = await Promise.allSettled(sales.map((sale) => readState(this.#deps.saleAdmin, sale)))
    this.#deps.onClosed(sales.filter((sale, i) => sale.isRunning && !isOpen(sale, answers[i])).length)
    await attemptEach(sales, async (sale, i) => {
      const answer = answers[i]
      if (answer?.status === 'rejected') throw answer.reason
      if (answer) await this.#check(sale, answer.value)
    })
  }

  async #check(sale: SaleInTurn, found: SaleState): Promise<void> {
    if (isOpenIn(sale.epoch, found)) this.#watched.delete(sale.id)
    else if (sale.fencedEpoch === 0 && this.#sameForMs(sale.id, `new ${sale.epoch}`) <= NEW_MS) return
    else if (found.state === 'LOST' || found.epoch !== sale.epoch) await this.#closeLost(sale, found)
    else if (sale.fencedEpoch < sale.epoch) await this.#reopenOnceDrained(sale)
    else if (this.#sameForMs(sale.id, `fenced ${sale.epoch} ${found.refilled}`) > STUCK_MS) await this.#closeStuck(sale)
  }

  async #closeLost(sale: SaleInTurn, found: SaleState): Promise<void> {
    if (this.#mayBeStalePrimary(sale, found)) return this.#deps.reconnect()
    const isWhole = found.epoch === sale.epoch && (await this.#isWhole(sale))
    const closed = await closeSale(this.#deps, sale.id)
    if (!closed || sale.epoch === 0) return
    const about = { saleId: sale.id, epoch: closed.epoch }
    if (isWhole) this.#deps.log.info(about, 'Redis restarted and its figures are right: sale closed, to be rebuilt')
    else this.#deps.log.warn(about, 'Redis may have lost this sale: closed, to be rebuilt')
  }

  /**
   * A Redis that is behind was restored from an older copy, or another has taken over from it while this worker stayed
   * connected: then the sale is fine there, and closing it here would close it there, too. A new connection tells.
   */
  #mayBeStalePrimary({ id, epoch }: SaleInTurn, found: SaleState): boolean {
    if (found.epoch === 0 || found.epoch >= epoch || this.#reconnectedFor.get(id) === epoch) return false
    this.#reconnectedFor.set(id, epoch)
    return true
  }

  async #closeStuck(sale: SaleInTurn): Promise<void> {
    const closed = await closeSale(this.#deps, sale.id, sale.epoch)
    if (closed)
      this.#deps.log.warn({ saleId: sale.id, epoch: closed.epoch }, 'rebuilding this sale was stuck: closed anew')
  }

  /**
   * Whether a restarted server has the units that PostgreSQL expects, as after a clean stop. Only for the log: right
   * figures do not prove that the reservations behind them are the latest, so the sale is rebuilt all the same.
   */
  async #isWhole({ id, shards }: SaleInTurn): Promise<boolean> {
    const [{ stock, sold }, found, { undecided }, unsettled] = await Promise.all([
      this.#deps.database.sale.findUniqueOrThrow({ where: { id } }),
      this.#deps.stock.readSale(id),
      this.#deps.stock.countWaiting(id, shards),
      this.#deps.database.order.aggregate({
        _sum: { quantity: true },
        where: { saleId: id, status: { in: ['CANCELLED', 'REFUNDED'] }, settledAt: null },
      }),
    ])
    const missing = stock - sold - (found?.left ?? 0)
    return missing >= 0 && missing <= undecided * (found?.largestQuantity ?? 0) + (unsettled._sum.quantity ?? 0)
  }

  async #reopenOnceDrained({ id, epoch }: SaleInTurn): Promise<void> {
    const sale = await this.#deps.database.sale.findUnique({ where: { id, epoch } })
    if (!sale) return
    // A sale that was never open has no reservations to wait for.
    if (sale.fencedEpoch > 0 && !(await this.#isDrained(sale))) return
    if (!(await reopenSale(this.#deps, sale))) return
    this.#deps.log.info({ saleId: id, epoch }, 'sale rebuilt from PostgreSQL, open again')
    this.#deps.onRebuilt()
  }

  /** Only lets accepted reservations become orders first: the fence refuses later ones whether or not this waits. */
  async #isDrained(sale: Sale): Promise<boolean> {
    const { id, epoch, sold } = sale
    const shards = await readShards(this.#deps.saleAdmin, sale)
    const ledgers = ledgersOf(id, sale.shards)
    const closed = ledgers.filter((_, shard) => shards[shard]?.state !== 'OPEN')
    const open = ledgers.filter((ledger) => !closed.includes(ledger))
    const limits = { graceMs: 0, reservationLifetimeMs: this.#reservationLifetimeMs }
    for (const ledger of closed) await sweepLedger(this.#deps, limits, ledger)
    const [waiting, [intake = 0]] = await Promise.all([
      Promise.all(closed.map((ledger) => this.#deps.stock.readWaiting(ledger))),
      this.#deps.queues.depths([INTAKE]).catch(() => [Infinity]),
    ])
    const pending = waiting.reduce((sum, ledger) => sum + ledger.pending, 0)
    const undecided = waiting.reduce((sum, ledger) => sum + ledger.undecided, 0)
    // What the other shards sell says nothing of these.
    const ofSale = open.length === 0 ? `${intake} ${sold}` : ''
    const sameForMs = this.#sameForMs(id, `closed ${epoch} ${pending} ${undecided} ${ofSale}`)
    const closedForMs = Date.now() - (this.#watched.get(id)?.closedSinceMs ?? 0)
    if (closedForMs > this.#reservationLifetimeMs) return true
    if (pending > 0 || sameForMs <= (undecided === 0 ? DRAINED_MS : STANDSTILL_MS)) return false
    return intake === 0 || this.#isPassed(open, sameForMs)
  }

  /**
   * While other shards sell, the intake is never empty; it is in order, so when all that these had reserved before is
   * decided, so is what the closed ones had.
   */
  async #isPassed(open: string[], sameForMs: number): Promise<boolean> {
    const { stock } = this.#deps
    const nowMs = await stock.clock.read()
    const waiting = await Promise.all(open.map((ledger) => stock.readWaiting(ledger)))
    const oldestMs = Math.min(...waiting.map(({ oldestUndecidedMs }) => oldestUndecidedMs))
    // Without one there is nothing to tell by.
    return Number.isFinite(oldestMs) && nowMs - oldestMs < sameForMs
  }

  #sameForMs(saleId: string, seen: string): number {
    const nowMs = Date.now()
    const before = this.#watched.get(saleId)
    const watched = {
      closedSinceMs: before?.closedSinceMs ?? nowMs,
      seen,
      sameSinceMs: before?.seen === seen ? before.sameSinceMs : nowMs,
    }
    this.#watched.set(saleId, watched)
    return nowMs - watched.sameSinceMs
  }
}

const isOpenIn = (epoch: number, found: SaleState) => found.state === 'OPEN' && found.epoch === epoch

/** Of one that could not be read, false. */
const isOpen = ({ epoch }: SaleInTurn, answer: PromiseSettledResult<SaleState> | undefined) =>
  answer?.status === 'fulfilled' && isOpenIn(epoch, answer.value)
