import type { Redis } from 'ioredis'
import type { Database } from '../core/platform/stores/database.ts'

/**
 * Two steps that no transaction can hold: a sale's title in PostgreSQL, then its copy in Redis. When the second step
 * fails, the first is undone. The smallest saga there is; README.md says what it cannot do, and what the shop does
 * instead.
 */

export type Renamed =
  | 'RENAMED'
  /** Redis did not take it: the row is what it was. */
  | 'RESTORED'
  /** Redis did not take it, and another call has renamed the sale meanwhile: its title stays. */
  | 'OVERTAKEN'
  | 'NO_SUCH_SALE'

export const titleKey = (saleId: string) => `lab:title:${saleId}`

/**
 * @throws when PostgreSQL does not answer. In the first step, then nothing has happened, or only the row is new. While
 * it is restored, then the row keeps the new title and the copy the old one, as after the death of the process between
 * the steps: the caller may retry; without a retry the difference stays unnoticed.
 */
export async function rename(
  database: Database,
  redis: Pick<Redis, 'set' | 'del'>,
  saleId: string,
  title: string,
): Promise<Renamed> {
  const before = await replaceTitle(database, saleId, title)
  if (before === undefined) return 'NO_SUCH_SALE'
  try {
    await redis.set(titleKey(saleId), title)
    return 'RENAMED'
  } catch {
    const isRestored = await restoreTitle(database, saleId, { from: title, to: before })
    // No answer is no refusal: Redis may have taken it. A copy that is gone is read anew, a wrong one is believed.
    await redis.del(titleKey(saleId)).catch(() => 'away for this, too')
    return isRestored ? 'RESTORED' : 'OVERTAKEN'
  }
}

/** @returns the title that is replaced, locked against concurrent changes. */
async function replaceTitle(database: Database, saleId: string, title: string): Promise<string | undefined> {
  const [replaced] = await database.$queryRaw<{ before: string }[]>`
    UPDATE sales SET title = ${title} FROM (SELECT id, title AS before FROM sales WHERE id = ${saleId} FOR UPDATE) AS old
    WHERE sales.id = old.id RETURNING before`
  return replaced?.before
}

/**
 * Takes back only what this call has written. (A concurrent call that has written the very same is not told apart: rows that
 * matter have a version.)
 */
async function restoreTitle(
  database: Database,
  saleId: string,
  { from, to }: { from: string; to: string },
): Promise<boolean> {
  return (await database.$executeRaw`UPDATE sales SET title = ${to} WHERE id = ${saleId} AND title = ${from}`) === 1
}
