import { failpoint } from '../core/platform/process/failpoint.ts'
import type { Transaction } from '../core/platform/stores/database.ts'
import { logChanges } from './operator-changes.ts'
import type { SaleDeps } from './open-sale.ts'

/** Advisory lock: two changes that list and unlist the same buyers in another order would deadlock. */
const BLACKLIST_LOCK = 7_350_006

interface BlacklistEdit {
  list?: string[]
  unlist?: string[]
  /** Of those to list. */
  reason?: string
}

/**
 * The database first: the order service asks it again, so that no reservation becomes an order before Redis knows. One
 * row in the log for all buyers of one call. The reconciler brings Redis into line after a crash, and of sales that
 * have ended.
 */
export async function changeBlacklist(
  { database, stock, saleAdmin }: SaleDeps,
  { list = [], unlist = [], reason = '' }: BlacklistEdit,
  operator: string,
): Promise<void> {
  await database.$transaction(async (tx) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(${BLACKLIST_LOCK})`
    const oldValue = await reasonsOf(tx, [...list, ...unlist])
    await tx.$executeRaw`
      INSERT INTO blacklist (buyer_id, reason) SELECT DISTINCT id, ${reason} FROM unnest(${list}::text[]) AS buyers (id)
      ON CONFLICT (buyer_id) DO UPDATE SET reason = excluded.reason`
    await tx.blacklistEntry.deleteMany({ where: { buyerId: { in: unlist } } })
    const newValue = await reasonsOf(tx, [...list, ...unlist])
    if (JSON.stringify(oldValue) !== JSON.stringify(newValue))
      await logChanges(tx, [{ saleId: null, field: 'blacklist', oldValue, newValue, operator }])
  })
  failpoint('blacklisting.beforeRedis')
  const ledgers = await stock.loaded.open()
  await saleAdmin.setBlacklistedIn(ledgers, list, true)
  await saleAdmin.setBlacklistedIn(ledgers, unlist, false)
}

/** Those of the buyers who are on the blacklist, and why. */
async function reasonsOf(tx: Transaction, buyerIds: string[]): Promise<Record<string, string>> {
  const rows = await tx.blacklistEntry.findMany({
    where: { buyerId: { in: buyerIds } },
    orderBy: { buyerId: 'asc' },
  })
  return Object.fromEntries(rows.map(({ buyerId, reason }) => [buyerId, reason]))
}
