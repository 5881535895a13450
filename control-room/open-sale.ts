import type { z } from 'zod'
import type { NewSale, SaleChange } from '../core/contracts/http.ts'
import type { Database, Sale } from '../core/platform/database.ts'
import { closeSale } from '../core/rebuild/close-sale.ts'
import { reopenSale } from '../core/rebuild/reopen-sale.ts'
import type { SaleDoor } from '../core/stock/sale-door.ts'
import type { Stock } from '../core/stock/stock.ts'

export interface SaleDeps {
  database: Database
  stock: Stock
  door: SaleDoor
}

/**
 * Writes the sale into PostgreSQL, then brings it into Redis the way any sale comes back there; undefined when a sale of
 * that id exists. A crash, or Redis being away, in between leaves it to the cancel worker.
 */
export async function openSale(deps: SaleDeps, sale: z.output<typeof NewSale>): Promise<Sale | undefined> {
  const [created] = await deps.database.sale.createManyAndReturn({ data: [sale], skipDuplicates: true })
  if (!created) return undefined
  const closed = await closeSale(deps, created.id)
  if (closed) await reopenSale(deps, closed)
  return closed ?? created
}

/** Moves the window of a sale, in PostgreSQL and then in Redis. */
export async function reschedule(
  { database, door }: SaleDeps, saleId: string, change: z.output<typeof SaleChange>,
): Promise<Sale | 'NO_SUCH_SALE' | 'EMPTY_WINDOW'> {
  const found = await database.sale.findUnique({ where: { id: saleId } })
  if (!found) return 'NO_SUCH_SALE'
  const opensAt = change.opensAt ? new Date(change.opensAt) : found.opensAt
  const closesAt = change.closesAt ? new Date(change.closesAt) : found.closesAt
  if (opensAt >= closesAt) return 'EMPTY_WINDOW'
  // Wider first: whoever looks in between must not find a purchase outside of every window.
  const sale = await database.sale.update({
    where: { id: saleId },
    data: {
      opensAt, closesAt,
      earliestOpensAt: earliest(opensAt, found.earliestOpensAt ?? found.opensAt), latestClosesAt: latest(closesAt, found.latestClosesAt ?? found.closesAt),
    },
  })
  await door.reschedule(saleId, opensAt.getTime(), closesAt.getTime())
  return sale
}

const earliest = (one: Date, other: Date) => (one < other ? one : other)
const latest = (one: Date, other: Date) => (one > other ? one : other)
