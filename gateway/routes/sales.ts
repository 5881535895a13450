import type { RequestHandler } from 'express'
import type { SaleView } from '../../core/contracts/http.ts'
import { ProblemError } from '../../core/platform/problem.ts'
import type { SaleFigures } from '../../core/stock/ledger.ts'
import type { Catalogue } from '../catalogue.ts'

/** GET /sales */
export function getSales(catalogue: Catalogue): RequestHandler {
  return (_req, res) => {
    res.json({ sales: catalogue.all().map(view), serverTime: new Date().toISOString() })
  }
}

/** GET /sales/:saleId */
export function getSale(catalogue: Catalogue): RequestHandler<{ saleId: string }> {
  return async (req, res) => {
    const sale = await catalogue.find(req.params.saleId)
    if (!sale) throw new ProblemError('NOT_FOUND', 'There is no such sale.')
    res.json(view(sale))
  }
}

function view(sale: SaleFigures): SaleView {
  return {
    id: sale.saleId,
    title: sale.title,
    priceCents: sale.priceCents,
    stock: sale.total,
    left: sale.left,
    perBuyerLimit: sale.perBuyerLimit,
    opensAt: new Date(sale.opensAtMs).toISOString(),
    closesAt: new Date(sale.closesAtMs).toISOString(),
    serverTime: new Date().toISOString(),
  }
}
