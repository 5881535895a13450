import type { RedisClient } from '../../core/platform/stores/redis.ts'
import type { SaleFigures } from '../../core/stock/sale-figures.ts'
import { SaleAdmin } from '../../core/stock/sale-admin.ts'
import { ledgersOf, shareOf } from '../../core/stock/shards.ts'

/** Loads a sale into Redis and opens it, independently of PostgreSQL. */
export async function loadSale(
  { redis, keyPrefix }: { redis: RedisClient; keyPrefix: string },
  { left, ...sale }: SaleFigures,
  blacklist: string[] = [],
): Promise<void> {
  const saleAdmin = new SaleAdmin(redis, keyPrefix)
  const { shards = 1 } = sale
  for (const [shard, ledger] of ledgersOf(sale.saleId, shards).entries()) {
    await saleAdmin.close({ ...sale, saleId: ledger, total: shareOf(sale.total, shards, shard) })
    await saleAdmin.fillBlacklist(ledger, blacklist)
    await saleAdmin.open(ledger, sale.epoch, shareOf(left, shards, shard))
  }
}
