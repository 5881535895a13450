import type { RequestHandler } from 'express'
import { z } from 'zod'
import { PAGE_LIMIT, PageRequest, type SaleList, type SaleView } from '../../core/contracts/http.ts'
import { pageOf, readCursor } from '../../core/platform/http/cursor.ts'
import { parse, ProblemError } from '../../core/platform/http/problem.ts'
import type { SaleFigures } from '../../core/stock/ledger.ts'
import { type Catalogue, comparePlaces, placeOf } from '../catalogue.ts'

const Place = z.tuple([z.int().min(0).max(1), z.number(), z.string()])

/** GET /sales, GET /sales?limit=20&cursor=… */
export function getSales(catalogue: Catalogue): RequestHandler {
  return (req, res) => {
    const { limit = PAGE_LIMIT, cursor } = parse(PageRequest, req.query)
    const after = readCursor(Place, cursor)
    const nowMs = catalogue.clockMs()
    const all = catalogue.all()
    // One that ends while somebody turns the pages moves behind those that are open: it may come twice, and is not
    // missed.
    const from = after ? all.findIndex((sale) => comparePlaces(placeOf(sale, nowMs), after) > 0) : 0
    const { rows, next } = pageOf(from < 0 ? [] : all.slice(from, from + limit + 1), limit, (last) =>
      placeOf(last, nowMs),
    )
    const serverTime = timeOf(catalogue)
    const list: SaleList = {
      sales: rows.map((sale) => view(sale, serverTime)),
      ...(next === undefined ? {} : { next }),
      serverTime,
    }
    res.json(list)
  }
}

/** GET /sales/:saleId */
export function getSale(catalogue: Catalogue): RequestHandler<{ saleId: string }> {
  return async (req, res) => {
    const sale = await catalogue.find(req.params.saleId)
    if (!sale) throw new ProblemError('NOT_FOUND', 'There is no such sale.')
    res.json(view(sale, timeOf(catalogue)))
  }
}

/** Whoever counts down to the start must count by the clock that opens the sale. */
const timeOf = (catalogue: Catalogue) => new Date(catalogue.clockMs()).toISOString()

function view(sale: SaleFigures, serverTime: string): SaleView {
  return {
    id: sale.saleId,
    title: sale.title,
    priceCents: sale.priceCents,
    stock: sale.total,
    left: sale.left,
    perBuyerLimit: sale.perBuyerLimit,
    opensAt: new Date(sale.opensAtMs).toISOString(),
    closesAt: new Date(sale.closesAtMs).toISOString(),
    serverTime,
  }
}
