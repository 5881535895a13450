import type { z } from 'zod'
import type { NewSale } from '../core/contracts/sales.ts'
import { isArchived } from '../core/archive/archive-sale.ts'
import type { Database, Sale } from '../core/platform/stores/database.ts'
import { failpoint } from '../core/platform/process/failpoint.ts'
import { closeSale } from '../core/rebuild/close-sale.ts'
import { reopenSale } from '../core/rebuild/reopen-sale.ts'
import type { SaleAdmin } from '../core/stock/sale-admin.ts'
import type { Stock } from '../core/stock/stock.ts'

export interface SaleDeps {
  database: Database
  stock: Stock
  saleAdmin: SaleAdmin
}

/**
 * Writes the sale into PostgreSQL, then brings it into Redis the way any sale comes back there; undefined when a sale
 * of that id exists, or did and is archived. A crash, or Redis being away, in between leaves it to the cancel worker.
 */
export async function openSale(deps: SaleDeps, sale: z.output<typeof NewSale>): Promise<Sale | undefined> {
  if (await isArchived(deps.database, sale.id)) return undefined
  const [created] = await deps.database.sale.createManyAndReturn({ data: [sale], skipDuplicates: true })
  if (!created) return undefined
  failpoint('opening.beforeRedis')
  const closed = await closeSale(deps, created.id)
  if (closed) await reopenSale(deps, closed)
  return closed ?? created
}
