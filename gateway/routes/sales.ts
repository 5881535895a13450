import type { RequestHandler } from 'express'
import type { SaleView } from '../../core/contracts/http.ts'
import { ProblemError } from '../../core/platform/problem.ts'
import type { SaleFigures } from '../../core/stock/ledger.ts'
import type { Catalogue } from '../catalogue.ts'

/** GET /sales */
export function getSales(catalogue: Catalogue): RequestHandler {
  return (_req, res) => {
    const serverTime = timeOf(catalogue)
    res.json({ sales: catalogue.all().map((sale) => view(sale, serverTime)), serverTime })
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
