import { SaleId } from '../core/contracts/http.ts'
import { Combiner } from '../core/platform/combiner.ts'
import type { Loops } from '../core/platform/loops.ts'
import type { SaleFigures } from '../core/stock/ledger.ts'
import type { Stock } from '../core/stock/stock.ts'

const REFRESH_MS = 1_000

/** What this process knows of the sales, at most a second old. */
export interface Catalogue {
  all: () => SaleFigures[]
  /** Without asking anybody; undefined when it has to be looked up. */
  known: (saleId: string) => SaleFigures | undefined
  /** Looks an unknown sale up at once; undefined when there is none. */
  find: (saleId: string) => Promise<SaleFigures | undefined>
  /** The clock that windows go by, which is Redis'. */
  clockMs: () => number
  isFresh: () => boolean
  close: () => Promise<void>
}

export function startCatalogue(stock: Stock, loops: Loops): Catalogue {
  const sales = new Map<string, SaleFigures>()
  let refreshedAtMs = 0

  /** An epoch only ever rises here: Redis restored from an older copy must not be believed. */
  function learn(sale: SaleFigures): SaleFigures {
    const epoch = Math.max(sale.epoch, sales.get(sale.saleId)?.epoch ?? 0)
    const known = { ...sale, epoch }
    sales.set(sale.saleId, known)
    return known
  }

  async function refresh(): Promise<void> {
    await stock.syncClock()
    const saleIds = await stock.saleIds()
    const found = await Promise.all(saleIds.map((saleId) => stock.readSale(saleId)))
    for (const sale of found) if (sale) learn(sale)
    // A sale that is gone although it has not ended stays known: its buyers are told "not available", not "not found".
    const listed = new Set(saleIds)
    for (const sale of sales.values()) {
      if (!listed.has(sale.saleId) && sale.closesAtMs < Date.now()) sales.delete(sale.saleId)
    }
    refreshedAtMs = Date.now()
  }

  /**
   * Whoever makes up ids costs Redis next to nothing: all that are asked for while one look-up is under way share the next,
   * which reads the list of the loaded sales and then only what stands in it.
   */
  const lookUps = new Combiner<string, SaleFigures | undefined>({
    togetherMax: 1_000, runsMax: 1,
    async run(wanted) {
      const listed = new Set(await stock.saleIds())
      const there = [...new Set(wanted)].filter((saleId) => listed.has(saleId))
      for (const sale of await Promise.all(there.map((saleId) => stock.readSale(saleId)))) if (sale) learn(sale)
      return wanted.map((saleId) => sales.get(saleId))
    },
  })

  const refreshing = loops.repeat('catalogue', REFRESH_MS, refresh)
  return {
    all: () => [...sales.values()],
    known: (saleId) => sales.get(saleId),
    async find(saleId) {
      const known = sales.get(saleId)
      if (known || !SaleId.safeParse(saleId).success) return known
      return await lookUps.add(saleId)
    },
    clockMs: () => Math.round(stock.clockMs()),
    isFresh: () => Date.now() - refreshedAtMs < 5 * REFRESH_MS,
    close: () => refreshing.close(),
  }
}
