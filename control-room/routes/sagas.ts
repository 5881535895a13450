import type { RequestHandler } from 'express'
import { z } from 'zod'
import type { SagaPage, SagaRow } from '../../core/contracts/control-room.ts'
import { PAGE_LIMIT, PageRequest } from '../../core/contracts/paging.ts'
import { SagaState } from '../../core/contracts/orders.ts'
import type { Database } from '../../core/platform/stores/database.ts'
import { pageOf, readCursor } from '../../core/platform/http/cursor.ts'
import { parse } from '../../core/platform/http/problem.ts'
import { listSagas, type SagaLine, sagaPlace } from '../../core/sagas/list.ts'

const Place = z.tuple([z.int().min(0).max(1), z.int().min(-8.64e15).max(8.64e15), z.uuid()])

/**
 * GET /sagas, GET /sagas?state=RUNNING&limit=20&cursor=…: how many there are in each state, and some of them, open ones
 * first
 */
export function getSagas(database: Database): RequestHandler {
  return async (req, res) => {
    const state = req.query.state === undefined ? undefined : parse(SagaState, req.query.state)
    const { limit = PAGE_LIMIT, cursor } = parse(PageRequest, req.query)
    const { counts, sagas } = await listSagas(database, state, limit + 1, readCursor(Place, cursor))
    const { rows, next } = pageOf(sagas, limit, sagaPlace)
    res.json({ counts, sagas: rows.map(rowOf), ...(next !== undefined && { next }) } satisfies SagaPage)
  }
}

const rowOf = ({ startedAt, updatedAt, dueAt, ...saga }: SagaLine): SagaRow => ({
  ...saga,
  startedAt: startedAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
  dueAt: dueAt.toISOString(),
})
