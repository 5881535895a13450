import type { Sale } from '../core/platform/stores/database.ts'
import type { SaleAdmin } from '../core/stock/sale-admin.ts'
import { ledgersOf, spread } from '../core/stock/shards.ts'

/** Buyers may take the units of a shard between the reading and the taking. */
const ATTEMPTS_MAX = 10

/**
 * Takes units out of the ledger of an open sale, never one that is sold or held: what is left of all shards together is
 * the most. Of a sale with several shards some units may be gone although the answer is a refusal; the ledger has to be
 * brought into line then.
 */
export async function withdrawUnits(
  saleAdmin: SaleAdmin,
  { id, epoch, shards }: Pick<Sale, 'id' | 'epoch' | 'shards'>,
  units: number,
): Promise<'WITHDRAWN' | 'NOT_OPEN' | { left: number }> {
  let taken = 0
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const tally = await saleAdmin.readTally(id, epoch, shards)
    if (!tally) return 'NOT_OPEN'
    if (tally.left < units - taken) return { left: tally.left + taken }
    const changes = spread(taken - units, tally.stocks)
    for (const [shard, ledger] of ledgersOf(id, shards).entries()) {
      const wanted = -(changes[shard] ?? 0)
      if (wanted > 0 && (await saleAdmin.withdraw(ledger, epoch, wanted))) taken += wanted
    }
    if (taken === units) return 'WITHDRAWN'
  }
  return 'NOT_OPEN'
}
