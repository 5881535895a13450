import type { Database, Sale } from '../platform/stores/database.ts'
import { failpoint } from '../platform/process/failpoint.ts'
import { groupBy } from '../platform/batches/divide.ts'
import { ledgerOf } from '../stock/reservation.ts'
import type { DecidedReservation } from '../stock/sale-state.ts'
import { shareOf } from '../stock/shards.ts'
import { closedLedgers, readShards, type RebuildDeps } from './close-sale.ts'
import { fenceSale } from './fence-sale.ts'
import { fenceShards } from './fence-shards.ts'

const PAGE = 5_000

/**
 * Rebuilds the ledger of a closed sale from PostgreSQL and opens it; of a sale of several shards those that are closed.
 * After a kill in between, or when another process has closed the sale anew, it stays closed.
 * @returns whether this call has opened the sale. @throws when PostgreSQL or Redis does not answer.
 */
export async function reopenSale(deps: RebuildDeps, sale: Sale): Promise<boolean> {
  const { database, saleAdmin } = deps
  failpoint('rebuilder.beforeFence')
  const shards = await readShards(saleAdmin, sale)
  if (shards.some(({ state, epoch }) => state === 'LOST' || epoch !== sale.epoch)) return false
  const rebuilt = shards.flatMap(({ state }, shard) => (state === 'CLOSED' ? [shard] : []))
  if (rebuilt.length === 0) return false
  const isWhole = rebuilt.length === shards.length
  const fenced = await (isWhole ? fenceSale(database, sale.id, sale.epoch) : fenceShards(deps, sale, rebuilt))
  if (!fenced) return false
  failpoint('rebuilder.afterFence')
  const ledgers = closedLedgers(sale).filter((_, shard) => rebuilt.includes(shard))
  const listed = (await database.blacklistEntry.findMany({ select: { buyerId: true } })).map(({ buyerId }) => buyerId)
  for (const ledger of ledgers) await saleAdmin.fillBlacklist(ledger.saleId, listed)
  for (let after = `${sale.id}.`; ; ) {
    const page = await readDecided(database, sale.id, after)
    const byLedger = groupBy(page, ({ reservationId }) => ledgerOf(reservationId))
    const refilled = await Promise.all(
      ledgers.map((ledger) => saleAdmin.refill(ledger, byLedger.get(ledger.saleId) ?? [])),
    )
    if (refilled.includes('STALE')) return false
    if (page.length < PAGE) break
    after = page.at(-1)?.reservationId ?? ''
  }
  failpoint('rebuilder.beforeOpen')
  const opened = await Promise.all(
    ledgers.map((ledger, i) => {
      const share = (units: number) => shareOf(units, ledgers.length, i)
      return saleAdmin.open(ledger.saleId, sale.epoch, share(fenced.left), share(fenced.stock))
    }),
  )
  return opened.every((answer) => answer === 'OPEN')
}

/**
 * The sale's reservations as the ledger gets them, by their ids. An order that has ended after the fence is written as
 * it was before: its unit is not among those the sale opens with, and is released when the order is settled.
 */
export async function readDecided(
  database: Database,
  saleId: string,
  after: string,
  most = PAGE,
): Promise<DecidedReservation[]> {
  return database.$queryRaw<DecidedReservation[]>`
    SELECT d.reservation_id AS "reservationId", d.sale_id AS "saleId", d.buyer_id AS "buyerId", d.quantity,
      d.purchase_key AS key, o.coupon_code AS "couponCode", o.points, o.id AS "orderId",
      (extract(epoch FROM d.reserved_at) * 1000)::float8 AS "reservedAtMs",
      CASE WHEN o.end_reason = 'UNPAID' AND o.settled_at IS NOT NULL
        THEN (extract(epoch FROM o.cancelled_at) * 1000)::float8 END AS "lapsedAtMs",
      CASE
        WHEN o.id IS NULL THEN 'REJECTED'
        WHEN o.status IN ('CANCELLED', 'REFUNDED') AND o.settled_at IS NOT NULL THEN o.status::text
        WHEN o.paid_at IS NOT NULL THEN 'PAID'
        ELSE 'ORDERED'
      END AS status,
      CASE
        WHEN o.id IS NULL THEN d.reason::text
        WHEN o.settled_at IS NOT NULL THEN o.end_reason
      END AS reason
    FROM decisions d LEFT JOIN orders o USING (reservation_id)
    WHERE d.sale_id = ${saleId} AND d.reservation_id > ${after} ORDER BY d.reservation_id LIMIT ${most}`
}
