import type { RequestHandler } from 'express'
import { z } from 'zod'
import type { ChangePage } from '../../core/contracts/control-room.ts'
import { PAGE_LIMIT, PageRequest } from '../../core/contracts/paging.ts'
import { SaleId } from '../../core/contracts/values.ts'
import { pageOf, readCursor } from '../../core/platform/http/cursor.ts'
import { parse } from '../../core/platform/http/problem.ts'
import type { SaleDeps } from '../open-sale.ts'
import { changeView, listChanges } from '../operator-changes.ts'

const Query = PageRequest.extend({ sale: SaleId.optional() })
const Place = z.tuple([z.string().regex(/^\d{1,18}$/)])

/** GET /changes, GET /changes?sale=demo: who changed what when, the newest first */
export function getChanges({ database }: SaleDeps): RequestHandler {
  return async (req, res) => {
    const { limit = PAGE_LIMIT, cursor, sale } = parse(Query, req.query)
    const [before] = readCursor(Place, cursor) ?? []
    const found = await listChanges(database, sale, before === undefined ? undefined : BigInt(before), limit + 1)
    const { rows, next } = pageOf(found, limit, ({ id }) => [String(id)])
    res.json({ changes: rows.map(changeView), ...(next !== undefined && { next }) } satisfies ChangePage)
  }
}
