import { askBack } from '../core/orders/saga.ts'
import type { Database } from '../core/platform/stores/database.ts'
import type { Logger } from '../core/platform/process/log.ts'

/** Sagas of one look; the next takes the rest. */
const PAGE = 500

export interface CheckBackDeps {
  database: Database
  log: Logger
  onAskedBack: (what: 'called off' | 'told again') => void
}

/**
 * Settles sagas of which nobody has reported in time, because a subscriber is down or its event is set aside: those
 * that still go forwards are called off, those that go back are told so once more. Each in a transaction of its own.
 */
export async function checkBack({ database, log, onAskedBack }: CheckBackDeps, sagaMs: number): Promise<void> {
  for (const orderId of await findOverdueSagas(database)) {
    const what = await database.$transaction((tx) => askBack(tx, orderId, sagaMs))
    if (!what) continue
    log.warn({ orderId, what }, 'a saga was not completed in time')
    onAskedBack(what)
  }
}

/** Of an order that has ended the saga is closed when that is heard of, however late. */
async function findOverdueSagas(database: Database): Promise<string[]> {
  const rows = await database.$queryRaw<{ id: string }[]>`
    SELECT order_id AS id FROM sagas
    WHERE due_at <= now() AND (state = 'COMPENSATING' OR (state = 'RUNNING' AND (SELECT status FROM orders WHERE id = order_id) = 'PENDING_PAYMENT'))
    ORDER BY due_at LIMIT ${PAGE}`
  return rows.map(({ id }) => id)
}
