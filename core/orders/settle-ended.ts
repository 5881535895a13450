import { type Database, Prisma, type Transaction } from '../platform/stores/database.ts'
import { failpoint } from '../platform/process/failpoint.ts'
import { groupBy } from '../platform/batches/divide.ts'
import type { Logger } from '../platform/process/log.ts'
import { isOutage } from '../platform/stores/outage.ts'
import { type Ending, ledgerOf, type ReservationRef } from '../stock/reservation.ts'
import { KEPT_AFTER_END_MS } from '../stock/sale-figures.ts'
import type { Stock } from '../stock/stock.ts'

export interface SettlingDeps {
  database: Database
  stock: Stock
  log: Logger
}

interface UnsettledOrder extends ReservationRef {
  id: string
  status: 'PAID' | 'CANCELLED' | 'REFUNDED'
  reason: Ending['reason']
  /** The ledger of its sale has expired. */
  isForgotten: boolean
}

/**
 * Writes into the ledger that orders were paid, cancelled or refunded, and releases the units of the latter two: of
 * those ids, or of the oldest `most` that are not settled. Idempotent, also when two run at a time: a status only moves
 * on in the ledger, and a reservation is released once. A failure in Redis is logged; the sweeper repeats it.
 * @returns how many orders this call has settled. @throws when the database does not answer.
 */
export async function settleEnded(
  deps: Omit<SettlingDeps, 'database'> & { database: Transaction },
  orderIds?: string[],
  most = 500,
): Promise<number> {
  const orders = await findUnsettled(deps.database, orderIds, most)
  const settled = orders.filter((order) => order.isForgotten)
  const failures: unknown[] = []
  const attempt = async (some: UnsettledOrder[], settling: Promise<boolean>) => {
    try {
      if (await settling) settled.push(...some)
    } catch (error) {
      failures.push(error)
    }
  }
  const known = orders.filter((order) => !order.isForgotten)
  const paid = groupBy(
    known.filter((order) => order.status === 'PAID'),
    (order) => ledgerOf(order.reservationId),
  )
  await Promise.all([
    ...known.flatMap((order) =>
      order.status === 'PAID' ? [] : [attempt([order], release(deps.stock, order, order.status))],
    ),
    ...[...paid].map(([ledger, some]) => attempt(some, settlePaid(deps.stock, ledger, some))),
  ])
  if (settled.length > 0) failpoint('settling.beforeMarked')
  await markSettled(deps.database, settled)
  const level = failures.every(isOutage) ? 'warn' : 'error'
  if (failures.length > 0)
    deps.log[level](
      { err: failures[0], failures: failures.length },
      'ended orders were not settled in Redis; the sweeper will do it',
    )
  return settled.length
}

async function release(stock: Stock, order: UnsettledOrder, status: Ending['status']): Promise<boolean> {
  const outcome = await stock.release(order, { status, reason: order.reason, giveBack: true })
  // NOTHING is fine: Redis has no such reservation, or a crash came between its release and the mark.
  return outcome !== 'CLOSED'
}

async function settlePaid(stock: Stock, ledger: string, orders: UnsettledOrder[]): Promise<boolean> {
  await stock.settle(
    ledger,
    'PAID',
    orders.map(({ id, reservationId, buyerId }) => ({ reservationId, buyerId, orderId: id })),
  )
  return true
}

async function findUnsettled(
  database: Transaction,
  orderIds: string[] | undefined,
  most: number,
): Promise<UnsettledOrder[]> {
  const these = orderIds ? Prisma.sql`AND o.id = ANY(${orderIds}::uuid[])` : Prisma.empty
  return database.$queryRaw<UnsettledOrder[]>`
    SELECT o.id, o.status, o.sale_id AS "saleId", o.reservation_id AS "reservationId", o.buyer_id AS "buyerId",
      o.quantity, o.end_reason AS reason, s.closes_at + ${KEPT_AFTER_END_MS} * interval '1 ms' < now() AS "isForgotten"
    FROM orders o JOIN sales s ON s.id = o.sale_id
    WHERE o.status IN ('PAID', 'CANCELLED', 'REFUNDED') AND o.settled_at IS NULL ${these}
    ORDER BY coalesce(o.refunded_at, o.cancelled_at, o.paid_at) LIMIT ${most}`
}

/**
 * An order that was refunded while its payment was being settled stays unsettled: its unit is not back. Locked in the
 * order of their ids, against deadlocks.
 */
async function markSettled(database: Transaction, orders: UnsettledOrder[]): Promise<void> {
  if (orders.length === 0) return
  const [ids, statuses] = [orders.map((order) => order.id), orders.map((order) => order.status)]
  await database.$executeRaw`
    WITH locked AS (SELECT id FROM orders WHERE id = ANY(${ids}::uuid[]) ORDER BY id FOR NO KEY UPDATE)
    UPDATE orders o SET settled_at = now()
    FROM locked JOIN unnest(${ids}::uuid[], ${statuses}::order_status[]) AS settled (id, status) USING (id)
    WHERE o.id = settled.id AND o.status = settled.status AND o.settled_at IS NULL`
}
