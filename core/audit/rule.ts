import type { Prisma } from '../platform/stores/database.ts'
import type { CheckId } from './report.ts'

/** Rows that must not exist. `rows` yields sale_id and the id (of order, reservation or buyer) to be named. */
export interface Rule {
  check: CheckId
  what: string
  /** Not wrong but on its way, where a step that is still to come will mend it. */
  state?: 'in flight'
  rows: Prisma.Sql
}
