import type { Request, RequestHandler, Response } from 'express'
import { z } from 'zod'
import { PAGE_LIMIT, PageRequest } from '../../core/contracts/paging.ts'
import type { SaleList, SaleView } from '../../core/contracts/sales.ts'
import { type Buyer, limitPerBuyer, VISITOR } from '../../core/contracts/limit-per-buyer.ts'
import { pageOf, readCursor } from '../../core/platform/http/cursor.ts'
import { parse, ProblemError } from '../../core/platform/http/problem.ts'
import { bearer, type Tokens } from '../../core/platform/http/tokens.ts'
import type { SaleFigures } from '../../core/stock/sale-figures.ts'
import type { WaitingRoom } from '../../core/waiting-room/waiting-room.ts'
import type { Catalogue } from '../catalogue.ts'
import { placeOf } from '../sale-order.ts'

const Place = z.tuple([z.int().min(0).max(1), z.number(), z.string()])

export interface SalesDeps {
  catalogue: Catalogue
  tokens: Tokens
  /** ISO 4217. */
  currency: string
}

/** GET /sales, GET /sales?limit=20&cursor=… */
export function getSales({ catalogue, tokens, currency }: SalesDeps): RequestHandler {
  return async (req, res) => {
    const { limit = PAGE_LIMIT, cursor } = parse(PageRequest, req.query)
    const after = readCursor(Place, cursor)
    const nowMs = catalogue.clockMs()
    // A sale that ends between two pages moves behind the open ones: it may be listed twice, but is not missed.
    const { rows, next } = pageOf(catalogue.page(after, limit + 1), limit, (last) => placeOf(last, nowMs))
    const serverTime = timeOf(catalogue)
    const buyer = await buyerOf(req, res, tokens)
    const list: SaleList = {
      sales: rows.map((sale) => view(sale, buyer, currency, serverTime)),
      ...(next === undefined ? {} : { next }),
      serverTime,
    }
    res.json(list)
  }
}

/** GET /sales/:saleId */
export function getSale(
  { catalogue, tokens, currency }: SalesDeps,
  room: Pick<WaitingRoom, 'readSeed'>,
): RequestHandler<{ saleId: string }> {
  return async (req, res) => {
    const sale = await catalogue.find(req.params.saleId)
    if (!sale) throw new ProblemError('NOT_FOUND', 'There is no such sale.')
    const seed = sale.seedHash === undefined ? undefined : await room.readSeed(sale.saleId)
    const shown = view(sale, await buyerOf(req, res, tokens), currency, timeOf(catalogue))
    res.json({ ...shown, ...(seed !== undefined && { seed }) } satisfies SaleView)
  }
}

/** A countdown to the start must follow the clock that opens the sale. */
const timeOf = (catalogue: Catalogue) => new Date(catalogue.clockMs()).toISOString()

/** The limit per buyer may be the buyer's own; sales are shown without a token, too, and with one that is over. */
async function buyerOf(req: Pick<Request, 'headers'>, res: Pick<Response, 'vary'>, tokens: Tokens): Promise<Buyer> {
  res.vary('Authorization')
  const token = bearer(req.headers.authorization)
  const verified = token === undefined ? undefined : await tokens.verify(token)
  return verified && 'buyer' in verified ? verified.buyer : VISITOR
}

function view(sale: SaleFigures, buyer: Buyer, currency: string, serverTime: string): SaleView {
  return {
    id: sale.saleId,
    title: sale.title,
    priceCents: sale.priceCents,
    currency,
    stock: sale.total,
    left: sale.left,
    perBuyerLimit: limitPerBuyer(sale, buyer),
    opensAt: new Date(sale.opensAtMs).toISOString(),
    closesAt: new Date(sale.closesAtMs).toISOString(),
    isStopped: sale.isStopped ?? false,
    ...(sale.opening && { opening: sale.opening }),
    ...(sale.seedHash !== undefined && { seedHash: sale.seedHash }),
    serverTime,
  }
}
