import type { Redis } from 'ioredis'
import type { Database } from '../../core/platform/stores/database.ts'

/**
 * Two steps that no transaction can hold: a sale's title in PostgreSQL, then its copy in Redis. When the second step
 * fails, the first is compensated: the smallest saga. README.md says what it cannot do, and what the shop does
 * instead.
 */

export type Renamed =
  | 'RENAMED'
  /** Redis did not take it: the row is what it was. */
  | 'RESTORED'
  /** Redis did not take it, and another call has renamed the sale meanwhile: that title stays. */
  | 'OVERTAKEN'
  | 'NO_SUCH_SALE'

export const titleKey = (saleId: string) => `lab:title:${saleId}`

/**
 * @throws when PostgreSQL does not answer. In the first step nothing has happened, or only the row has changed. In the
 * compensation the row keeps the new title and the copy the old one, as after a crash between the steps; only another
 * call mends that.
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
    // Without an answer Redis may have taken it. A missing copy is read anew; a stale one would be served.
    await redis.del(titleKey(saleId)).catch(() => 'unavailable')
    return isRestored ? 'RESTORED' : 'OVERTAKEN'
  }
}

/** @returns the replaced title, read under the row's lock */
async function replaceTitle(database: Database, saleId: string, title: string): Promise<string | undefined> {
  const [replaced] = await database.$queryRaw<{ before: string }[]>`
    UPDATE sales SET title = ${title}
    FROM (SELECT id, title AS before FROM sales WHERE id = ${saleId} FOR UPDATE) AS old
    WHERE sales.id = old.id RETURNING before`
  return replaced?.before
}

/**
 * Compare-and-set: restores only the title that this call has written. (An equal title of another call is not told
 * apart; real rows need a version.)
 */
async function restoreTitle(
  database: Database,
  saleId: string,
  { from, to }: { from: string; to: string },
): Promise<boolean> {
  return (await database.$executeRaw`UPDATE sales SET title = ${to} WHERE id = ${saleId} AND title = ${from}`) === 1
}
