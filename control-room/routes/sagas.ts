import type { RequestHandler } from 'express'
import { SagaState } from '../../core/contracts/http.ts'
import type { Database } from '../../core/platform/database.ts'
import { parse } from '../../core/platform/problem.ts'
import { listSagas } from '../../core/sagas/list.ts'

const SHOWN_MAX = 100

/** GET /sagas, GET /sagas?state=RUNNING: how many there are in each state, and some of them, open ones first */
export function getSagas(database: Database): RequestHandler {
  return async (req, res) => {
    const state = req.query.state === undefined ? undefined : parse(SagaState, req.query.state)
    res.json(await listSagas(database, state, SHOWN_MAX))
  }
}
