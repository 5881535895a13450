import type { RequestHandler } from 'express'
import { z } from 'zod'
import { BUYERS_MAX, GATEWAYS_MAX } from '../../core/contracts/ready.ts'
import { SaleId } from '../../core/contracts/values.ts'
import { parse, ProblemError } from '../../core/platform/http/problem.ts'
import { checkReady, type ReadyDeps } from '../ready/check-sale.ts'

const count = (most: number) => z.coerce.number().int().min(1).max(most).optional()
const ReadyQuery = z.object({ buyers: count(BUYERS_MAX), gateways: count(GATEWAYS_MAX) })

/** GET /sales/:saleId/ready, GET /sales/:saleId/ready?buyers=20000&gateways=2 */
export function getReady(deps: ReadyDeps): RequestHandler<{ saleId: string }> {
  return async (req, res) => {
    const crowd = parse(ReadyQuery, req.query)
    const sale = await deps.database.sale.findUnique({ where: { id: parse(SaleId, req.params.saleId) } })
    if (!sale) throw new ProblemError('NOT_FOUND', 'There is no such sale.')
    res.json(await checkReady(deps, sale, crowd))
  }
}
