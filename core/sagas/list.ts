import type { OrderStatus, SagaState } from '../../prisma/generated/client.ts'
import { type Database, Prisma } from '../platform/stores/database.ts'

export interface SagaLine {
  orderId: string
  saleId: string
  state: SagaState
  /** Its newest step, by the name of its event. */
  step: string
  reason: string | null
  orderStatus: OrderStatus | null
  startedAt: Date
  updatedAt: Date
  dueAt: Date
}

const NIL = '00000000-0000-0000-0000-000000000000'

export interface SagaList {
  counts: Record<SagaState, number>
  sagas: SagaLine[]
}

/** Position of a saga in the list. */
export type SagaPlace = [isClosed: number, dueAtMs: number, orderId: string]
export const sagaPlace = ({ state, dueAt, orderId }: SagaLine): SagaPlace => [
  state === 'DONE' || state === 'COMPENSATED' ? 1 : 0,
  dueAt.getTime(),
  orderId,
]

/**
 * Sagas of that state or of all, at most `most`, after that place: open ones first, and among them the longest overdue.
 */
export async function listSagas(
  database: Database,
  state: SagaState | undefined,
  most: number,
  after: SagaPlace = [0, -1, NIL],
): Promise<SagaList> {
  const [isClosed, dueAtMs, orderId] = after
  const wanted = state ? Prisma.sql`AND s.state = ${state}::saga_state` : Prisma.empty
  const [counts, sagas] = await Promise.all([
    countSagas(database),
    database.$queryRaw<SagaLine[]>`
      SELECT s.order_id AS "orderId", s.sale_id AS "saleId", s.state, s.step, s.reason, o.status AS "orderStatus",
        s.started_at AS "startedAt", s.updated_at AS "updatedAt", s.due_at AS "dueAt"
      FROM sagas s LEFT JOIN orders o ON o.id = s.order_id
      WHERE (s.state IN ('DONE', 'COMPENSATED'), s.due_at, s.order_id)
        > (${isClosed === 1}, ${new Date(dueAtMs)}, ${orderId}::uuid) ${wanted}
      ORDER BY s.state IN ('DONE', 'COMPENSATED'), s.due_at, s.order_id LIMIT ${most}`,
  ])
  return { counts, sagas }
}

export async function countSagas(database: Database): Promise<SagaList['counts']> {
  const rows = await database.$queryRaw<
    { state: SagaState; count: number }[]
  >`SELECT state, count(*)::int AS count FROM sagas GROUP BY state`
  return {
    RUNNING: 0,
    DONE: 0,
    COMPENSATING: 0,
    COMPENSATED: 0,
    ...Object.fromEntries(rows.map(({ state, count }) => [state, count])),
  }
}
