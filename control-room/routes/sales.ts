import type { RequestHandler } from 'express'
import { NewSale, SaleChange, SaleId } from '../../core/contracts/http.ts'
import type { Sale } from '../../core/platform/database.ts'
import { parse, ProblemError } from '../../core/platform/problem.ts'
import { openSale, reschedule, type SaleDeps } from '../open-sale.ts'

/** POST /sales */
export function postSale(deps: SaleDeps): RequestHandler {
  return async (req, res) => {
    const sale = parse(NewSale, req.body)
    const created = await openSale(deps, sale)
    if (!created) throw new ProblemError('SALE_EXISTS', `There is a sale "${sale.id}"; choose another id.`)
    res.status(201).location(`/sales/${created.id}`).json(view(created))
  }
}

/** GET /sales */
export function getSales({ database }: SaleDeps): RequestHandler {
  return async (_req, res) => {
    const sales = await database.sale.findMany({ orderBy: { opensAt: 'desc' }, take: 100 })
    res.json({ sales: sales.map(view) })
  }
}

/** PATCH /sales/:saleId: opens or closes earlier or later */
export function patchSale(deps: SaleDeps): RequestHandler<{ saleId: string }> {
  return async (req, res) => {
    const outcome = await reschedule(deps, parse(SaleId, req.params.saleId), parse(SaleChange, req.body))
    if (outcome === 'NO_SUCH_SALE') throw new ProblemError('NOT_FOUND', 'There is no such sale.')
    if (outcome === 'EMPTY_WINDOW') throw new ProblemError('INVALID_REQUEST', 'closesAt: expected a moment after opensAt')
    res.json(view(outcome))
  }
}

function view({ id, title, priceCents, stock, sold, perBuyerLimit, opensAt, closesAt, epoch }: Sale) {
  return { id, title, priceCents, stock, sold, perBuyerLimit, opensAt, closesAt, epoch }
}
