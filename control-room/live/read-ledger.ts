import type { OrderTally } from '../../core/contracts/control-room.ts'
import type { Database } from '../../core/platform/stores/database.ts'

export interface LedgerCounters extends Record<string, number> {
  /** Units that became part of an order, ever. */
  ordered: number
  /** Rows inserted, updated and deleted in this database. */
  writes: number
}

/** Its cost does not grow with the orders: two columns of each sale instead of all orders, and PostgreSQL's own statistics. */
export async function readCounters(database: Database): Promise<LedgerCounters & { outbox: number }> {
  const [counters] = await database.$queryRaw<[LedgerCounters & { outbox: number }]>`
    SELECT (SELECT coalesce(sum(sold + returned), 0)::float8 FROM sales) AS ordered,
      (SELECT coalesce(sum(size), 0)::int FROM outbox) AS outbox,
      (SELECT (tup_inserted + tup_updated + tup_deleted)::float8 FROM pg_stat_database WHERE datname = current_database()) AS writes`
  return counters
}

/** Reads all orders: 20 ms for 100,000. */
export async function tallyOrders(database: Database): Promise<OrderTally[]> {
  return database.$queryRaw<OrderTally[]>`
    SELECT sale_id AS "saleId",
      count(*) FILTER (WHERE status = 'PENDING_PAYMENT')::int AS unpaid, count(*) FILTER (WHERE status = 'PAID')::int AS paid,
      count(*) FILTER (WHERE status = 'CANCELLED')::int AS cancelled, count(*) FILTER (WHERE status = 'REFUNDED')::int AS refunded
    FROM orders GROUP BY sale_id`
}
