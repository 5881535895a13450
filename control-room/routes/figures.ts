import type { RequestHandler } from 'express'
import type { QueueReader } from '../../core/audit/queue-depths.ts'
import { PAGE_LIMIT, PageRequest } from '../../core/contracts/http.ts'
import { pageOf, readCursor } from '../../core/platform/http/cursor.ts'
import { parse } from '../../core/platform/http/problem.ts'
import { readFigures } from '../figures.ts'
import { listSales, SalePlace, salePlace } from '../list-sales.ts'
import type { SaleDeps } from '../open-sale.ts'
import type { SubscriberReader } from '../subscriber-backlogs.ts'

/** GET /figures, GET /figures?limit=20&cursor=…: sales in the order of GET /sales */
export function getFigures(deps: SaleDeps, queues: QueueReader, subscribers: SubscriberReader): RequestHandler {
  return async (req, res) => {
    const { limit = PAGE_LIMIT, cursor } = parse(PageRequest, req.query)
    const { rows, next } = pageOf(
      await listSales(deps.database, readCursor(SalePlace, cursor), limit + 1),
      limit,
      salePlace,
    )
    res.json({
      ...(await readFigures(
        deps,
        rows.map(({ id }) => id),
        queues,
        subscribers,
      )),
      next,
    })
  }
}
