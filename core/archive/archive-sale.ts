import type { AuditLimits } from '../audit/report.ts'
import { waitForSubscribers } from '../orders/inbox.ts'
import type { Database, Transaction } from '../platform/stores/database.ts'
import { failpoint } from '../platform/process/failpoint.ts'
import type { Stock } from '../stock/stock.ts'
import { findObstacles } from './find-obstacles.ts'
import { moveSale } from './move-sale.ts'

export interface ArchiveDeps {
  database: Database
  stock: Stock
  limits: AuditLimits
}

export type Archiving =
  | { outcome: 'ARCHIVED'; rows: number }
  | { outcome: 'ARCHIVED_BEFORE' }
  | { outcome: 'NO_SUCH_SALE' }
  /** One sentence for each thing that is in the way. */
  | { outcome: 'REFUSED'; obstacles: string[] }

/** A large sale has some ten million rows. */
const MOVE_MS_MAX = 3_600_000
/**
 * Moves an ended sale that is at rest, with all that belongs to it, into the archive. One transaction: after a kill
 * nothing has moved. The sale's row is locked from the first check on, so that no order of it is placed or ended
 * meanwhile.
 * @throws when PostgreSQL or Redis does not answer; then nothing has moved.
 */
export async function archiveSale({ database, stock, limits }: ArchiveDeps, saleId: string): Promise<Archiving> {
  return database.$transaction(
    async (tx): Promise<Archiving> => {
      const [sale] = await tx.$queryRaw<object[]>`SELECT id FROM sales WHERE id = ${saleId} FOR UPDATE`
      if (!sale) return { outcome: (await isArchived(tx, saleId)) ? 'ARCHIVED_BEFORE' : 'NO_SUCH_SALE' }
      const obstacles = await findObstacles(tx, stock, saleId, limits)
      if (obstacles.length > 0) return { outcome: 'REFUSED', obstacles }
      const rows = await moveSale(tx, saleId)
      await waitForSubscribers(tx)
      failpoint('archiving.beforeCommit')
      return { outcome: 'ARCHIVED', rows }
    },
    { timeout: MOVE_MS_MAX },
  )
}

export async function isArchived(tx: Transaction, saleId: string): Promise<boolean> {
  const found = await tx.$queryRaw<object[]>`SELECT id FROM archive.sales WHERE id = ${saleId}`
  return found.length > 0
}

/** Ids of the live sales that ended at least so many days ago, oldest first. */
export async function findEndedSales(database: Database, days: number): Promise<string[]> {
  const rows = await database.$queryRaw<{ id: string }[]>`
    SELECT id FROM sales WHERE closes_at <= now() - ${days} * interval '1 day' ORDER BY closes_at, id`
  return rows.map(({ id }) => id)
}
