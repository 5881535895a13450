import type { AuditLimits } from '../audit/report.ts'
import { waitForSubscribers } from '../orders/inbox.ts'
import type { Database, Transaction } from '../platform/stores/database.ts'
import { failpoint } from '../platform/process/failpoint.ts'
import type { Stock } from '../stock/stock.ts'
import { findObstacles } from './find-obstacles.ts'
import { moveBatch, moveRest, moveSaleRow } from './move-sale.ts'

export interface ArchiveDeps {
  database: Database
  stock: Stock
  limits: AuditLimits
}

export type Archiving =
  | { outcome: 'ARCHIVED'; rows: number }
  | { outcome: 'ARCHIVED_BEFORE' }
  | { outcome: 'NO_SUCH_SALE' }
  /** One sentence for each obstacle. */
  | { outcome: 'REFUSED'; obstacles: string[] }

/** The sale's own row is in the archive, with so many rows moved. */
interface Begun {
  outcome: 'BEGUN'
  rows: number
}

/** The audit of ten million orders takes minutes. */
const BEGIN_MS_MAX = 3_600_000
const BATCH_MS_MAX = 600_000
/**
 * Decisions that move in one transaction, with a dozen rows each. All of 200,000 orders (2.6 million rows) took four
 * minutes on two busy cores, for which the tables of live sales could not be vacuumed.
 */
const BATCH = 2_000

/**
 * Moves an ended sale that is at rest, with all that belongs to it, into the archive: first its own row, then its
 * orders in batches. Each order is in one place or the other, with all of its rows; services and audit read both. After
 * a kill a re-run goes on with what is left.
 * @throws when PostgreSQL or Redis does not answer.
 */
export async function archiveSale(deps: ArchiveDeps, saleId: string, batch = BATCH): Promise<Archiving> {
  const { database } = deps
  const begun = await begin(deps, saleId)
  if (begun.outcome !== 'BEGUN') return begun
  let { rows } = begun
  for (let last: string | undefined = ''; last !== undefined; ) {
    failpoint('archiving.beforeBatch')
    const after: string = last
    const moved = await database.$transaction((tx) => moveBatch(tx, saleId, after, batch), { timeout: BATCH_MS_MAX })
    rows += moved.rows
    last = moved.last
  }
  rows += await database.$transaction((tx) => moveRest(tx, saleId), { timeout: BATCH_MS_MAX })
  return { outcome: 'ARCHIVED', rows }
}

/**
 * The sale's row is locked from the first check on, so that no order of it is placed or ended meanwhile, and none is
 * afterwards.
 */
async function begin({ database, stock, limits }: ArchiveDeps, saleId: string): Promise<Archiving | Begun> {
  return database.$transaction(
    async (tx): Promise<Archiving | Begun> => {
      const [sale] = await tx.$queryRaw<object[]>`SELECT id FROM sales WHERE id = ${saleId} FOR UPDATE`
      if (!sale) return await stateInArchive(tx, saleId)
      const obstacles = await findObstacles(tx, stock, saleId, limits)
      if (obstacles.length > 0) return { outcome: 'REFUSED', obstacles }
      const rows = await moveSaleRow(tx, saleId)
      await waitForSubscribers(tx)
      failpoint('archiving.beforeCommit')
      return { outcome: 'BEGUN', rows }
    },
    { timeout: BEGIN_MS_MAX },
  )
}

/** BEGUN when an archiver that was killed has left some of its rows behind. */
async function stateInArchive(tx: Transaction, saleId: string): Promise<Archiving | Begun> {
  const [sale] = await tx.$queryRaw<{ archivedAt: Date | null }[]>`
    SELECT archived_at AS "archivedAt" FROM archive.sales WHERE id = ${saleId}`
  if (!sale) return { outcome: 'NO_SUCH_SALE' }
  return sale.archivedAt === null ? { outcome: 'BEGUN', rows: 0 } : { outcome: 'ARCHIVED_BEFORE' }
}

/** Whether the sale has left the live tables, with all of its rows or some. */
export async function isArchived(tx: Transaction, saleId: string): Promise<boolean> {
  const found = await tx.$queryRaw<object[]>`SELECT id FROM archive.sales WHERE id = ${saleId}`
  return found.length > 0
}

/** Ids of the sales that ended at least so many days ago, oldest first, after those that are archived in part. */
export async function findEndedSales(database: Database, days: number): Promise<string[]> {
  const rows = await database.$queryRaw<{ id: string }[]>`
    (SELECT id FROM archive.sales WHERE archived_at IS NULL ORDER BY closes_at, id)
    UNION ALL
    (SELECT id FROM sales WHERE closes_at <= now() - ${days} * interval '1 day' ORDER BY closes_at, id)`
  return rows.map(({ id }) => id)
}
