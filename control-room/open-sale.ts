import type { z } from 'zod'
import type { NewSale, SaleChange } from '../core/contracts/http.ts'
import type { Database, Sale } from '../core/platform/database.ts'
import type { Stock } from '../core/stock/stock.ts'

const FIRST_EPOCH = 1

export interface SaleDeps {
  database: Database
  stock: Stock
}

/**
 * Writes the sale into PostgreSQL, then opens its door in Redis; undefined when a sale of that id exists. A crash, or
 * Redis being away, in between leaves it to `loadUnloaded`.
 */
export async function openSale(deps: SaleDeps, sale: z.output<typeof NewSale>): Promise<Sale | undefined> {
  const [created] = await deps.database.sale.createManyAndReturn({ data: [sale], skipDuplicates: true })
  return created && loadSale(deps, created)
}

/**
 * Loads the sales that Redis has never been known to have. One that was loaded before is left alone whatever has become
 * of it there: its stock can no longer be told from this table alone.
 */
export async function loadUnloaded(deps: SaleDeps): Promise<void> {
  for (const sale of await deps.database.sale.findMany({ where: { epoch: 0 } })) await loadSale(deps, sale)
}

/** Safe to repeat: what Redis already has of the first epoch stays as it is. */
async function loadSale({ database, stock }: SaleDeps, sale: Sale): Promise<Sale> {
  const blacklist = await database.blacklistEntry.findMany({ select: { buyerId: true } })
  await stock.load({
    saleId: sale.id, epoch: FIRST_EPOCH, title: sale.title, priceCents: sale.priceCents, total: sale.stock, left: sale.stock,
    perBuyerLimit: sale.perBuyerLimit, opensAtMs: sale.opensAt.getTime(), closesAtMs: sale.closesAt.getTime(),
  }, blacklist.map((entry) => entry.buyerId))
  await database.sale.updateMany({ where: { id: sale.id, epoch: 0 }, data: { epoch: FIRST_EPOCH } })
  return { ...sale, epoch: FIRST_EPOCH }
}

/** Moves the window of a sale, in PostgreSQL and then in Redis. */
export async function reschedule(
  { database, stock }: SaleDeps, saleId: string, change: z.output<typeof SaleChange>,
): Promise<Sale | 'NO_SUCH_SALE' | 'EMPTY_WINDOW'> {
  const found = await database.sale.findUnique({ where: { id: saleId } })
  if (!found) return 'NO_SUCH_SALE'
  const opensAt = change.opensAt ? new Date(change.opensAt) : found.opensAt
  const closesAt = change.closesAt ? new Date(change.closesAt) : found.closesAt
  if (opensAt >= closesAt) return 'EMPTY_WINDOW'
  const sale = await database.sale.update({ where: { id: saleId }, data: { opensAt, closesAt } })
  await stock.reschedule(saleId, opensAt.getTime(), closesAt.getTime())
  return sale
}
