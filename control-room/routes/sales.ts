import type { RequestHandler, Response } from 'express'
import type { SalePage, SaleRow } from '../../core/contracts/control-room.ts'
import { NewSale, SaleChange } from '../../core/contracts/sales.ts'
import { PAGE_LIMIT, PageRequest } from '../../core/contracts/paging.ts'
import { SaleId } from '../../core/contracts/values.ts'
import type { Sale } from '../../core/platform/stores/database.ts'
import { pageOf, readCursor } from '../../core/platform/http/cursor.ts'
import { parse, ProblemError } from '../../core/platform/http/problem.ts'
import { listSales, SalePlace, salePlace } from '../list-sales.ts'
import { openSale, reschedule, type SaleDeps, versionOf } from '../open-sale.ts'

/** POST /sales */
export function postSale(deps: SaleDeps): RequestHandler {
  return async (req, res) => {
    const sale = parse(NewSale, req.body)
    const created = await openSale(deps, sale)
    if (!created) throw new ProblemError('SALE_EXISTS', `There is a sale "${sale.id}"; choose another id.`)
    send(res.status(201).location(`/sales/${created.id}`), created)
  }
}

/** GET /sales, GET /sales?limit=20&cursor=…: those that open last come first */
export function getSales({ database }: SaleDeps): RequestHandler {
  return async (req, res) => {
    const { limit = PAGE_LIMIT, cursor } = parse(PageRequest, req.query)
    const { rows, next } = pageOf(await listSales(database, readCursor(SalePlace, cursor), limit + 1), limit, salePlace)
    res.json({ sales: rows.map(rowOf), ...(next !== undefined && { next }) } satisfies SalePage)
  }
}

/** GET /sales/:saleId */
export function getSale({ database }: SaleDeps): RequestHandler<{ saleId: string }> {
  return async (req, res) => {
    const sale = await database.sale.findUnique({ where: { id: parse(SaleId, req.params.saleId) } })
    if (!sale) throw new ProblemError('NOT_FOUND', 'There is no such sale.')
    send(res, sale)
  }
}

/** PATCH /sales/:saleId: opens or closes earlier or later; with If-Match only when it is unchanged since that ETag. */
export function patchSale(deps: SaleDeps): RequestHandler<{ saleId: string }> {
  return async (req, res) => {
    const outcome = await reschedule(
      deps,
      parse(SaleId, req.params.saleId),
      parse(SaleChange, req.body),
      seenVersion(req.get('if-match')),
    )
    if (outcome === 'NO_SUCH_SALE') throw new ProblemError('NOT_FOUND', 'There is no such sale.')
    if (outcome === 'EMPTY_WINDOW')
      throw new ProblemError('INVALID_REQUEST', 'closesAt: expected a moment after opensAt')
    if (outcome === 'CHANGED_MEANWHILE')
      throw new ProblemError(
        'CHANGED_MEANWHILE',
        'The sale was changed since you read it; read it again, then change it.',
      )
    send(res, outcome)
  }
}

/** Any text that is no ETag of ours is a version that the sale is not in. */
const seenVersion = (ifMatch: string | undefined) =>
  ifMatch === undefined || ifMatch === '*' ? undefined : ifMatch.replace(/^"(.*)"$/, '$1')

const send = (res: Response, sale: Sale) => res.set('ETag', `"${versionOf(sale)}"`).json(rowOf(sale))

function rowOf({ id, title, priceCents, stock, sold, perBuyerLimit, shards, opensAt, closesAt, epoch }: Sale): SaleRow {
  const window = { opensAt: opensAt.toISOString(), closesAt: closesAt.toISOString() }
  return { id, title, priceCents, stock, sold, perBuyerLimit, shards, ...window, epoch }
}
