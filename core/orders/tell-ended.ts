import { type Database, Prisma, type Transaction } from '../platform/stores/database.ts'
import { failpoint } from '../platform/process/failpoint.ts'
import { groupBy } from '../platform/batches/group-by.ts'
import type { Logger } from '../platform/process/log.ts'
import { isOutage } from '../platform/stores/outage.ts'
import type { Ending, ReservationRef } from '../stock/reservation.ts'
import { KEPT_AFTER_END_MS } from '../stock/sale-figures.ts'
import type { Stock } from '../stock/stock.ts'

export interface TellingDeps {
  database: Database
  stock: Stock
  log: Logger
}

interface UntoldOrder extends ReservationRef {
  id: string
  status: 'PAID' | 'CANCELLED' | 'REFUNDED'
  reason: Ending['reason']
  /** Redis keeps nothing of its sale any more. */
  isForgotten: boolean
}

/**
 * Tells Redis of orders that were paid, cancelled or refunded, which gives the units of the latter two back: of those
 * ids, or of the oldest `most` it has not heard of. Safe to repeat and to run twice at a time: a status only moves on
 * there, and a reservation is released once. What Redis does not answer for is logged and stays for the sweeper.
 * @returns how many orders Redis has heard of by this call. @throws when the database does not answer.
 */
export async function tellEnded(
  deps: Omit<TellingDeps, 'database'> & { database: Transaction },
  orderIds?: string[],
  most = 500,
): Promise<number> {
  const orders = await findUntold(deps.database, orderIds, most)
  const told = orders.filter((order) => order.isForgotten)
  const failures: unknown[] = []
  const hear = async (some: UntoldOrder[], telling: Promise<boolean>) => {
    try {
      if (await telling) told.push(...some)
    } catch (error) {
      failures.push(error)
    }
  }
  const known = orders.filter((order) => !order.isForgotten)
  const paid = groupBy(
    known.filter((order) => order.status === 'PAID'),
    (order) => order.saleId,
  )
  await Promise.all([
    ...known.flatMap((order) =>
      order.status === 'PAID' ? [] : [hear([order], release(deps.stock, order, order.status))],
    ),
    ...[...paid].map(([saleId, some]) => hear(some, settle(deps.stock, saleId, some))),
  ])
  if (told.length > 0) failpoint('releasing.beforeWrittenDown')
  await markTold(deps.database, told)
  const level = failures.every(isOutage) ? 'warn' : 'error'
  if (failures.length > 0)
    deps.log[level](
      { err: failures[0], failures: failures.length },
      'Redis was not told of ended orders; the sweeper will',
    )
  return told.length
}

async function release(stock: Stock, order: UntoldOrder, status: Ending['status']): Promise<boolean> {
  const outcome = await stock.release(order, { status, reason: order.reason, giveBack: true })
  // NOTHING counts as told: Redis forgot the reservation, or released it before a crash kept us from writing that down.
  return outcome !== 'CLOSED'
}

async function settle(stock: Stock, saleId: string, orders: UntoldOrder[]): Promise<boolean> {
  await stock.settle(
    saleId,
    'PAID',
    orders.map(({ id, reservationId }) => ({ reservationId, orderId: id })),
  )
  return true
}

async function findUntold(database: Transaction, orderIds: string[] | undefined, most: number): Promise<UntoldOrder[]> {
  const these = orderIds ? Prisma.sql`AND o.id = ANY(${orderIds}::uuid[])` : Prisma.empty
  return database.$queryRaw<UntoldOrder[]>`
    SELECT o.id, o.status, o.sale_id AS "saleId", o.reservation_id AS "reservationId", o.buyer_id AS "buyerId", o.quantity,
      o.end_reason AS reason, s.closes_at + ${KEPT_AFTER_END_MS} * interval '1 ms' < now() AS "isForgotten"
    FROM orders o JOIN sales s ON s.id = o.sale_id
    WHERE o.status IN ('PAID', 'CANCELLED', 'REFUNDED') AND o.told_at IS NULL ${these}
    ORDER BY coalesce(o.refunded_at, o.cancelled_at, o.paid_at) LIMIT ${most}`
}

/** Of one that was refunded while its payment was told, Redis has not heard the end. */
async function markTold(database: Transaction, orders: UntoldOrder[]): Promise<void> {
  if (orders.length === 0) return
  const [ids, statuses] = [orders.map((order) => order.id), orders.map((order) => order.status)]
  await database.$executeRaw`
    UPDATE orders o SET told_at = now()
    FROM unnest(${ids}::uuid[], ${statuses}::order_status[]) AS told (id, status)
    WHERE o.id = told.id AND o.status = told.status AND o.told_at IS NULL`
}
