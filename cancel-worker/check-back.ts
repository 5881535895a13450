import { checkBackOn } from '../core/orders/saga.ts'
import type { Database } from '../core/platform/stores/database.ts'
import type { Logger } from '../core/platform/process/log.ts'

/** Sagas of one run; the next takes the rest. */
const PAGE = 500

export interface CheckBackDeps {
  database: Database
  log: Logger
  onCheckedBack: (what: 'expired' | 'repeated') => void
}

/**
 * Checks back on sagas without a step in time, because a subscriber is down or its event is parked: those that still go
 * forwards expire, the compensation of the others is repeated. Each in a transaction of its own.
 */
export async function checkBack({ database, log, onCheckedBack }: CheckBackDeps, sagaMs: number): Promise<void> {
  for (const orderId of await findOverdueSagas(database)) {
    const what = await database.$transaction((tx) => checkBackOn(tx, orderId, sagaMs))
    if (!what) continue
    log.warn({ orderId, what }, 'a saga was not completed in time')
    onCheckedBack(what)
  }
}

/** Without those whose order was cancelled while they ran: the subscriber `saga` closes them, however late. */
async function findOverdueSagas(database: Database): Promise<string[]> {
  const rows = await database.$queryRaw<{ id: string }[]>`
    SELECT order_id AS id FROM sagas
    WHERE due_at <= now() AND (
      state = 'COMPENSATING'
      OR (state = 'RUNNING' AND (SELECT status FROM orders WHERE id = order_id) = 'PENDING_PAYMENT')
    )
    ORDER BY due_at LIMIT ${PAGE}`
  return rows.map(({ id }) => id)
}
