import { checkSale } from '../audit/checks.ts'
import { readWithoutLedger } from '../audit/read-without-ledger.ts'
import type { AuditLimits } from '../audit/report.ts'
import type { Transaction } from '../platform/stores/database.ts'
import { KEPT_AFTER_END_MS } from '../stock/sale-figures.ts'
import type { Stock } from '../stock/stock.ts'

/**
 * Why the sale cannot be archived now; empty when it is at rest: its ledger has expired, every order has ended, every
 * event and refund has arrived, and the audit finds nothing. What is archived would never be mended.
 */
export async function findObstacles(
  tx: Transaction,
  stock: Stock,
  saleId: string,
  limits: AuditLimits,
): Promise<string[]> {
  const keptUntil = await readKeptUntil(tx, saleId)
  if (keptUntil !== null)
    return [`Redis keeps it for a day after its end; it can be archived from ${keptUntil.toISOString()} on`]
  const unfinished = {
    ...(await countInRedis(tx, stock, saleId)),
    ...(await countInDatabase(tx, saleId)),
    ...(await countUnhandledEvents(tx, saleId)),
  }
  const obstacles = Object.entries(unfinished).flatMap(([what, count]) => (count > 0 ? [`${what}: ${count}`] : []))
  return obstacles.length > 0 ? obstacles : auditFindings(tx, saleId, limits)
}

type Counts = Record<string, number>

/** Null once the ledger of the sale has expired, whose window may have been wider before. */
async function readKeptUntil(tx: Transaction, saleId: string): Promise<Date | null> {
  const [sale] = await tx.$queryRaw<{ keptUntil: Date; isKept: boolean }[]>`
    SELECT kept_until AS "keptUntil", kept_until >= now() AS "isKept" FROM (
      SELECT greatest(closes_at, latest_closes_at) + ${KEPT_AFTER_END_MS} * interval '1 ms' AS kept_until
      FROM sales WHERE id = ${saleId}
    ) AS sale`
  return sale?.isKept ? sale.keptUntil : null
}

async function countInRedis(tx: Transaction, stock: Stock, saleId: string): Promise<Counts> {
  const { shards } = await tx.sale.findUniqueOrThrow({ where: { id: saleId }, select: { shards: true } })
  const [sale, { pending, undecided }] = await Promise.all([stock.readSale(saleId), stock.countWaiting(saleId, shards)])
  return {
    'ledgers in Redis that have not expired': sale ? shards : 0,
    'pending entries in Redis': pending,
    'undecided reservations in Redis': undecided,
  }
}

async function countInDatabase(tx: Transaction, saleId: string): Promise<Counts> {
  const [counts] = await tx.$queryRaw<[Counts]>`
    SELECT
      (SELECT count(*)::int FROM orders WHERE sale_id = ${saleId} AND status = 'PENDING_PAYMENT') AS "unpaid orders",
      (SELECT count(*)::int FROM orders
        WHERE sale_id = ${saleId} AND status <> 'PENDING_PAYMENT' AND settled_at IS NULL
      ) AS "ended orders that are not settled",
      (SELECT count(*)::int FROM refunds r JOIN payments p ON p.id = r.payment_id JOIN orders o ON o.id = p.order_id
        WHERE o.sale_id = ${saleId} AND r.completed_at IS NULL
      ) AS "refunds that the payment provider has not taken",
      (SELECT count(*)::int FROM outbox CROSS JOIN LATERAL json_array_elements(messages) AS entry
        WHERE entry -> 'message' ->> 'saleId' = ${saleId}
      ) AS "events in the outbox"`
  return counts
}

/**
 * Of each subscriber the orders of which it has not handled the newest event; of one that takes events in any order, as
 * many as it is owed. See `effect-rules.ts` for what is not owed.
 */
async function countUnhandledEvents(tx: Transaction, saleId: string): Promise<Counts> {
  const rows = await tx.$queryRaw<{ name: string; count: number }[]>`
    SELECT s.name, count(*)::int AS count
    FROM subscriptions s JOIN orders o ON o.sale_id = ${saleId} AND o.created_at >= s.since
    CROSS JOIN LATERAL (
      SELECT count(*) AS entries, coalesce(max(sequence), 0) AS newest FROM inbox
      WHERE purpose = s.name AND order_id = o.id
    ) AS handled
    WHERE (entries > 0 OR o.created_at > coalesce(s.remembers_from, '-infinity')) AND CASE s.follows
      WHEN 'orders' THEN newest < o.sequence
      WHEN 'coupon-orders' THEN o.coupon_code IS NOT NULL AND newest < o.sequence
      ELSE entries < ('order.created' = ANY (s.entered))::int
        + ('order.paid' = ANY (s.entered) AND o.paid_at IS NOT NULL)::int
        + ('order.cancelled' = ANY (s.entered) AND o.cancelled_at IS NOT NULL)::int
        + ('order.refunded' = ANY (s.entered) AND o.refunded_at IS NOT NULL)::int
    END
    GROUP BY s.name ORDER BY s.name`
  return Object.fromEntries(
    rows.map(({ name, count }) => [`orders with an event that the subscriber ${name} has not handled`, count]),
  )
}

async function auditFindings(tx: Transaction, saleId: string, limits: AuditLimits): Promise<string[]> {
  const reading = await readWithoutLedger(tx, saleId, limits)
  const checks = reading ? checkSale(reading).filter(({ state }) => state !== 'ok') : []
  return checks.map(({ id, state, detail }) => `the audit finds rule ${id} ${state}: ${detail}`)
}
