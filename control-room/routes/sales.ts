import type { RequestHandler, Response } from 'express'
import type { SalePage, SaleRow } from '../../core/contracts/control-room.ts'
import type { ChangeView } from '../../core/contracts/operations.ts'
import { NewSale, SaleChange } from '../../core/contracts/sales.ts'
import { PAGE_LIMIT, PageRequest } from '../../core/contracts/paging.ts'
import { SaleId } from '../../core/contracts/values.ts'
import type { Sale } from '../../core/platform/stores/database.ts'
import { openingOf } from '../../core/rebuild/close-sale.ts'
import { pageOf, readCursor } from '../../core/platform/http/cursor.ts'
import { parse, ProblemError } from '../../core/platform/http/problem.ts'
import { listSales, SalePlace, salePlace } from '../list-sales.ts'
import { changeSale } from '../change-sale.ts'
import { openSale, type SaleDeps } from '../open-sale.ts'
import { operatorOf } from '../operator.ts'

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

/** PATCH /sales/:saleId: changes some fields, when the sale is in the version of If-Match, which is any for "*". */
export function patchSale(deps: SaleDeps): RequestHandler<{ saleId: string }> {
  return async (req, res) => {
    const saleId = parse(SaleId, req.params.saleId)
    const change = parse(SaleChange, req.body)
    const changed = await changeSale(deps, saleId, change, {
      operator: operatorOf(req),
      seen: seenVersion(req.get('if-match')),
    })
    switch (changed.outcome) {
      case 'CHANGED':
        return send(res, changed.sale)
      case 'NO_SUCH_SALE':
        throw new ProblemError('NOT_FOUND', 'There is no such sale.')
      case 'MISFIT':
        throw new ProblemError('INVALID_REQUEST', `${changed.path}: ${changed.message}`, { errors: [changed] })
      case 'STOCK_IN_USE':
        throw new ProblemError('STOCK_IN_USE', `${changed.least} units are sold or held; the stock stays as it is.`, {
          errors: [{ path: 'stock', message: `expected at least ${changed.least}` }],
          least: changed.least,
        })
      case 'NOT_NOW':
        throw new ProblemError('UNAVAILABLE', 'The ledger of the sale in Redis is not open; try again in a moment.', {
          retryAfterSeconds: 2,
        })
      case 'CHANGED_MEANWHILE':
        throw new ProblemError('CHANGED_MEANWHILE', meanwhile(changed.changes), { changes: changed.changes })
    }
  }
}

function meanwhile(changes: ChangeView[]): string {
  const each = changes.map(({ operator, field, from, to }) => `${operator}: ${field} ${String(from)} → ${String(to)}`)
  return `The sale was changed since you read it; read it again, then change it. ${each.join('; ')}`.trimEnd()
}

/** Any text that is no ETag of ours is a version that the sale is not in. @throws ProblemError VERSION_REQUIRED */
function seenVersion(ifMatch: string | undefined): string | undefined {
  if (ifMatch === undefined)
    throw new ProblemError('VERSION_REQUIRED', 'Send the ETag of the sale that you read as If-Match, or * for any.')
  return ifMatch === '*' ? undefined : ifMatch.replace(/^"(.*)"$/, '$1')
}

const send = (res: Response, sale: Sale) => void res.set('ETag', `"${sale.version}"`).json(rowOf(sale))

function rowOf({ opensAt, closesAt, ...sale }: Sale): SaleRow {
  const { id, title, priceCents, stock, sold, perBuyerLimit, shards, isStopped, epoch, version } = sale
  const opening = openingOf(sale)
  const window = { opensAt: opensAt.toISOString(), closesAt: closesAt.toISOString() }
  return { id, title, priceCents, stock, sold, perBuyerLimit, shards, ...window, isStopped, opening, epoch, version }
}
