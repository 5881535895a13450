import type { Redis } from 'ioredis'
import type { SaleFigures } from '../../core/stock/sale-figures.ts'
import { SaleAdmin } from '../../core/stock/sale-admin.ts'

/** Loads a sale into Redis and opens it, independently of PostgreSQL. */
export async function loadSale(
  { redis, keyPrefix }: { redis: Redis; keyPrefix: string },
  { left, ...sale }: SaleFigures,
  blacklist: string[] = [],
): Promise<void> {
  const saleAdmin = new SaleAdmin(redis, keyPrefix)
  await saleAdmin.close(sale)
  await saleAdmin.fillBlacklist(sale.saleId, blacklist)
  await saleAdmin.open(sale.saleId, sale.epoch, left)
}
