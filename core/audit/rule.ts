import type { Prisma } from '../platform/stores/database.ts'
import type { CheckId } from './report.ts'

/** Rows that must not exist. `rows` yields sale_id and the id (of order, reservation or buyer) for the finding. */
export interface Rule {
  check: CheckId
  what: string
  /** Not wrong, because a step that is still to come mends it. */
  state?: 'in flight'
  rows: Prisma.Sql
}
