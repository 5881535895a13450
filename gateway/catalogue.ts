import { SaleId } from '../core/contracts/values.ts'
import { Batcher } from '../core/platform/batches/batcher.ts'
import { slicesOf } from '../core/platform/batches/divide.ts'
import type { Loops } from '../core/platform/process/loops.ts'
import { KEPT_AFTER_END_MS, type SaleFigures } from '../core/stock/sale-figures.ts'
import { LedgersInTurn } from '../core/stock/ledgers-in-turn.ts'
import { saleOf } from '../core/stock/shards.ts'
import type { Stock } from '../core/stock/stock.ts'
import { firstAfter, inOrder, type Place, placeOf } from './sale-order.ts'

const REFRESH_MS = 1_000
/** A sale is near from so long before its opening until so long after its end. */
const NEAR_MS = 60_000
/** Sales that are not near and are read all the same in one refresh: of those asked for, and of all in turn. */
export const OTHERS_MAX = 50
const READ_TOGETHER_MAX = 500
/** As a LIMIT of Redis. */
const ALL = -1

/**
 * The sales as this process knows them. Those that are near, that were asked for or that have changed are read every
 * second, and of the others some in turn: thousands of sales cost what the open ones cost.
 */
export interface Catalogue {
  /** At most that many sales, in the order of `placeOf`, from the first on or after that place. */
  page: (after: Place | undefined, most: number) => SaleFigures[]
  /** Those that are open, open soon or have just ended. */
  near: () => SaleFigures[]
  /** From memory; undefined when it has to be looked up. */
  known: (saleId: string) => SaleFigures | undefined
  /** Looks an unknown sale up in Redis; undefined when there is none. */
  find: (saleId: string) => Promise<SaleFigures | undefined>
  /** Looks a sale up in Redis that is known, because it may have been changed a moment ago. */
  reread: (saleId: string) => Promise<SaleFigures | undefined>
  /** Has a sale read with the next refresh, because it has changed; without an id all of them. */
  readAgain: (saleId?: string) => void
  /** The epoch that PostgreSQL has of a sale: under a later one than Redis has, nothing is reserved there. */
  raiseEpoch: (saleId: string, epoch: number) => void
  /** Redis' clock, by which sales open and close. */
  clockMs: () => number
  isFresh: () => boolean
  close: () => Promise<void>
}

export function startCatalogue(stock: Stock, loops: Loops): Catalogue {
  const sales = new Map<string, SaleFigures>()
  /** Sales that are not near and were asked for, the latest last. */
  const askedFor = new Set<string>()
  const changed = new Set<string>()
  const turns = new LedgersInTurn(stock.loaded, toRead, OTHERS_MAX)
  let mustReadAll = true
  let near: SaleFigures[] = []
  /** Undefined when it has to be put in order again. */
  let order: { saleIds: string[]; untilMs: number } | undefined
  let refreshedAtMs = -Infinity

  /** An epoch only ever rises here: Redis may have been restored from an older copy. */
  function learn(sale: SaleFigures): SaleFigures {
    const before = sales.get(sale.saleId)
    const epoch = Math.max(sale.epoch, before?.epoch ?? 0)
    const known = { ...sale, epoch }
    if (before?.opensAtMs !== sale.opensAtMs || before.closesAtMs !== sale.closesAtMs) order = undefined
    sales.set(sale.saleId, known)
    return known
  }

  const isNear = ({ opensAtMs, closesAtMs }: SaleFigures, nowMs: number) =>
    opensAtMs - NEAR_MS <= nowMs && nowMs < closesAtMs + NEAR_MS

  function nearNow(): SaleFigures[] {
    const nowMs = stock.clock.nowMs()
    return [...sales.values()].filter((sale) => isNear(sale, nowMs))
  }

  async function toRead(): Promise<string[]> {
    near = nearNow()
    const all = mustReadAll ? await stock.loaded.some(0, ALL) : []
    // What is told from here on is of the next refresh.
    const told = [...askedFor, ...changed]
    askedFor.clear()
    changed.clear()
    return [...all, ...near.map(({ saleId }) => saleId), ...told]
  }

  /** @throws when Redis does not answer; a cluster of which one master is away does, and its sales are read again. */
  async function refresh(): Promise<void> {
    const failures: unknown[] = []
    const failed = (error: unknown): undefined => {
      failures.push(error)
      mustReadAll = true
    }
    await stock.clock.sync().catch(failed)
    const listed = await turns.next().catch(failed)
    const saleIds = [...new Set((listed ?? near.map(({ saleId }) => saleId)).map(saleOf))]
    if (failures.length === 0) mustReadAll = false
    let answers = 0
    for (const some of slicesOf(saleIds, READ_TOGETHER_MAX))
      for (const read of await Promise.allSettled(some.map((saleId) => stock.readSale(saleId)))) {
        if (read.status === 'rejected') failed(read.reason)
        else answers++
        if (read.status === 'fulfilled' && read.value) learn(read.value)
      }
    if (failures.length > 0 && answers === 0) throw failures[0]
    forgetExpired()
    near = nearNow()
    refreshedAtMs = performance.now()
  }

  /** A sale that is missing in Redis before its end stays known: its buyers get UNAVAILABLE, not NOT_FOUND. */
  function forgetExpired(): void {
    for (const sale of sales.values()) {
      if (sale.closesAtMs + KEPT_AFTER_END_MS >= Date.now()) continue
      sales.delete(sale.saleId)
      order = undefined
    }
  }

  /**
   * Made-up ids must cost Redis next to nothing: those that arrive during one look-up share the next, which asks which
   * of them are loaded and then reads only those.
   */
  const lookUps = new Batcher<string, SaleFigures | undefined>({
    itemsMax: 1_000,
    batchesMax: 1,
    async run(wanted) {
      const ids = [...new Set(wanted)]
      const loaded = await stock.loaded.has(ids)
      const there = ids.filter((_, i) => loaded[i])
      for (const sale of await Promise.all(there.map((saleId) => stock.readSale(saleId)))) if (sale) learn(sale)
      return wanted.map((saleId) => sales.get(saleId))
    },
  })

  function known(saleId: string): SaleFigures | undefined {
    const sale = sales.get(saleId)
    if (sale && askedFor.size < OTHERS_MAX && !isNear(sale, stock.clock.nowMs())) askedFor.add(saleId)
    return sale
  }

  const refreshing = loops.repeat('catalogue', REFRESH_MS, refresh)
  return {
    page(after, most) {
      const nowMs = stock.clock.nowMs()
      if (!order || nowMs >= order.untilMs) order = inOrder([...sales.values()], nowMs)
      const { saleIds } = order
      const placeAt = (i: number) => placeOf(sales.get(saleIds[i] ?? '') as SaleFigures, nowMs)
      const from = after ? firstAfter(after, saleIds.length, placeAt) : 0
      return saleIds.slice(from, from + most).flatMap((saleId) => sales.get(saleId) ?? [])
    },
    near: () => near,
    known,
    async find(saleId) {
      const sale = known(saleId)
      if (sale || !SaleId.safeParse(saleId).success) return sale
      return await lookUps.add(saleId)
    },
    reread: (saleId) => lookUps.add(saleId),
    readAgain(saleId) {
      if (saleId === undefined) mustReadAll = true
      else changed.add(saleId)
    },
    raiseEpoch(saleId, epoch) {
      const sale = sales.get(saleId)
      if (sale && sale.epoch < epoch) sales.set(saleId, { ...sale, epoch })
    },
    clockMs: () => Math.round(stock.clock.nowMs()),
    isFresh: () => performance.now() - refreshedAtMs < 5 * REFRESH_MS,
    close: () => refreshing.close(),
  }
}
