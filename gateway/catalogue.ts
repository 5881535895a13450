import { SaleId } from '../core/contracts/values.ts'
import { Batcher } from '../core/platform/batches/batcher.ts'
import type { Loops } from '../core/platform/process/loops.ts'
import { KEPT_AFTER_END_MS, type SaleFigures } from '../core/stock/sale-figures.ts'
import { LedgersInTurn } from '../core/stock/ledgers-in-turn.ts'
import { saleOf } from '../core/stock/shards.ts'
import type { Stock } from '../core/stock/stock.ts'

const REFRESH_MS = 1_000

/** The sales as this process knows them, at most a second old; those that have ended, up to some seconds. */
export interface Catalogue {
  /** In the order of `placeOf`; a sale that is new is missing for a second. */
  all: () => SaleFigures[]
  /** From memory; undefined when it has to be looked up. */
  known: (saleId: string) => SaleFigures | undefined
  /** Looks an unknown sale up in Redis; undefined when there is none. */
  find: (saleId: string) => Promise<SaleFigures | undefined>
  /** Looks a sale up in Redis that is known, because it may have been changed a moment ago. */
  reread: (saleId: string) => Promise<SaleFigures | undefined>
  /** Redis' clock, by which sales open and close. */
  clockMs: () => number
  isFresh: () => boolean
  close: () => Promise<void>
}

export function startCatalogue(stock: Stock, loops: Loops): Catalogue {
  const sales = new Map<string, SaleFigures>()
  const turns = new LedgersInTurn(stock.loaded)
  let sorted: SaleFigures[] = []
  let refreshedAtMs = -Infinity

  /** An epoch only ever rises here: Redis may have been restored from an older copy. */
  function learn(sale: SaleFigures): SaleFigures {
    const epoch = Math.max(sale.epoch, sales.get(sale.saleId)?.epoch ?? 0)
    const known = { ...sale, epoch }
    sales.set(sale.saleId, known)
    return known
  }

  async function refresh(): Promise<void> {
    await stock.clock.sync()
    const saleIds = new Set((await turns.next()).map(saleOf))
    const found = await Promise.all([...saleIds].map((saleId) => stock.readSale(saleId)))
    for (const sale of found) if (sale) learn(sale)
    // A sale that is missing in Redis before its end stays known: its buyers get UNAVAILABLE, not NOT_FOUND.
    for (const sale of sales.values()) {
      if (sale.closesAtMs + KEPT_AFTER_END_MS < Date.now()) sales.delete(sale.saleId)
    }
    sorted = inOrder([...sales.values()], stock.clock.nowMs())
    refreshedAtMs = performance.now()
  }

  /**
   * Made-up ids must cost Redis next to nothing: those that arrive during one look-up share the next, which asks which of
   * them are loaded and then reads only those.
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

  const refreshing = loops.repeat('catalogue', REFRESH_MS, refresh)
  return {
    all: () => sorted,
    known: (saleId) => sales.get(saleId),
    async find(saleId) {
      const known = sales.get(saleId)
      if (known || !SaleId.safeParse(saleId).success) return known
      return await lookUps.add(saleId)
    },
    reread: (saleId) => lookUps.add(saleId),
    clockMs: () => Math.round(stock.clock.nowMs()),
    isFresh: () => performance.now() - refreshedAtMs < 5 * REFRESH_MS,
    close: () => refreshing.close(),
  }
}

/** Sort key of a sale in the list: open and coming ones first, by their end; then ended ones, the latest first. */
export function placeOf(
  { saleId, closesAtMs }: Pick<SaleFigures, 'saleId' | 'closesAtMs'>,
  nowMs: number,
): [isOver: number, end: number, saleId: string] {
  return closesAtMs > nowMs ? [0, closesAtMs, saleId] : [1, -closesAtMs, saleId]
}

export function comparePlaces(one: ReturnType<typeof placeOf>, other: ReturnType<typeof placeOf>): number {
  return one[0] - other[0] || one[1] - other[1] || (one[2] < other[2] ? -1 : one[2] > other[2] ? 1 : 0)
}

function inOrder(sales: SaleFigures[], nowMs: number): SaleFigures[] {
  const places = sales.map((sale) => ({ sale, place: placeOf(sale, nowMs) }))
  return places.sort((one, other) => comparePlaces(one.place, other.place)).map(({ sale }) => sale)
}
