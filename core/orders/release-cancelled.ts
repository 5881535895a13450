import { type Database, Prisma } from '../platform/database.ts'
import type { Logger } from '../platform/log.ts'
import type { ReservationRef } from '../stock/ledger.ts'
import type { Stock } from '../stock/stock.ts'

export interface ReleasingDeps {
  database: Database
  stock: Stock
  log: Logger
}

interface UnreleasedOrder extends ReservationRef {
  id: string
  reason: 'UNPAID' | 'BUYER'
}

/**
 * Gives the units of cancelled orders back to Redis: of those ids, or of the oldest `most` that are not back yet. Safe to
 * repeat and to run twice at a time: the script releases a reservation once. What Redis does not answer for is logged and
 * stays for the sweeper.
 * @returns how many orders are released by this call. @throws when the database does not answer.
 */
export async function releaseCancelled(deps: ReleasingDeps, orderIds?: string[], most = 500): Promise<number> {
  const orders = await findUnreleased(deps.database, orderIds, most)
  const answers = await Promise.allSettled(orders.map((order) =>
    deps.stock.release(order, { status: 'CANCELLED', reason: order.reason, giveBack: true })))
  // NOTHING counts as well: Redis forgot the reservation, or released it before a crash kept us from writing that down.
  const released = orders.filter((_, i) => answers[i]?.status === 'fulfilled')
  await markReleased(deps.database, released.map((order) => order.id))

  const failed = answers.filter((answer) => answer.status === 'rejected')
  if (failed.length > 0) deps.log.warn({ err: failed[0]?.reason, orders: failed.length }, 'units not given back yet; the sweeper will')
  return released.length
}

/** Why an order was cancelled is not stored: whoever cancels before the deadline is the buyer. */
async function findUnreleased(database: Database, orderIds: string[] | undefined, most: number): Promise<UnreleasedOrder[]> {
  const these = orderIds ? Prisma.sql`AND id = ANY(${orderIds}::uuid[])` : Prisma.empty
  return database.$queryRaw<UnreleasedOrder[]>`
    SELECT id, sale_id AS "saleId", reservation_id AS "reservationId", buyer_id AS "buyerId",
      CASE WHEN cancelled_at >= payment_deadline THEN 'UNPAID' ELSE 'BUYER' END AS reason
    FROM orders WHERE status = 'CANCELLED' AND released_at IS NULL ${these}
    ORDER BY cancelled_at LIMIT ${most}`
}

async function markReleased(database: Database, orderIds: string[]): Promise<void> {
  if (orderIds.length === 0) return
  await database.$executeRaw`
    UPDATE orders SET released_at = now() WHERE id = ANY(${orderIds}::uuid[]) AND released_at IS NULL`
}
