import type { z } from 'zod'
import type { NewSale, SaleChange } from '../core/contracts/sales.ts'
import { isArchived } from '../core/archive/archive-sale.ts'
import type { Database, Sale } from '../core/platform/stores/database.ts'
import { failpoint } from '../core/platform/process/failpoint.ts'
import { bringIntoLine } from '../core/rebuild/bring-into-line.ts'
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

/** Version of what may be changed of a sale; If-Match compares it. */
export const versionOf = ({ opensAt, closesAt }: Pick<Sale, 'opensAt' | 'closesAt'>) =>
  `${opensAt.getTime()}-${closesAt.getTime()}`

export type Rescheduled = Sale | 'NO_SUCH_SALE' | 'EMPTY_WINDOW' | 'CHANGED_MEANWHILE'

/**
 * Moves the window of a sale, in PostgreSQL and then in Redis. Changes at the same time take turns: each keeps what it
 * does not name as the one before has left it. With `seen` only when the sale is still in that version. A crash, or
 * Redis being away, in between leaves Redis to the reconciler.
 */
export async function reschedule(
  deps: SaleDeps,
  saleId: string,
  change: z.output<typeof SaleChange>,
  seen?: string,
): Promise<Rescheduled> {
  const outcome = await moveWindow(deps.database, saleId, change, seen)
  if (typeof outcome === 'string') return outcome
  failpoint('rescheduling.beforeRedis')
  await bringIntoLine(deps, saleId)
  return outcome
}

async function moveWindow(
  database: Database,
  saleId: string,
  change: z.output<typeof SaleChange>,
  seen: string | undefined,
): Promise<Rescheduled> {
  return database.$transaction(async (tx) => {
    await tx.$executeRaw`SELECT FROM sales WHERE id = ${saleId} FOR UPDATE`
    const found = await tx.sale.findUnique({ where: { id: saleId } })
    if (!found) return 'NO_SUCH_SALE'
    if (seen !== undefined && seen !== versionOf(found)) return 'CHANGED_MEANWHILE'
    const opensAt = change.opensAt ? new Date(change.opensAt) : found.opensAt
    const closesAt = change.closesAt ? new Date(change.closesAt) : found.closesAt
    if (opensAt >= closesAt) return 'EMPTY_WINDOW'
    // The widest window ever is kept: nothing accepted in a wider one becomes wrong by narrowing it.
    const earliestOpensAt = earliest(opensAt, found.earliestOpensAt ?? found.opensAt)
    const latestClosesAt = latest(closesAt, found.latestClosesAt ?? found.closesAt)
    return tx.sale.update({ where: { id: saleId }, data: { opensAt, closesAt, earliestOpensAt, latestClosesAt } })
  })
}

const earliest = (one: Date, other: Date) => (one < other ? one : other)
const latest = (one: Date, other: Date) => (one > other ? one : other)
