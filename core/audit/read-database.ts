import { type Database, Prisma, type Transaction } from '../platform/stores/database.ts'
import type { SaleRow } from '../rebuild/close-sale.ts'
import { databaseRules } from './database-rules.ts'
import type { Rule } from './rule.ts'
import { type AuditLimits, type Finding, NAMED_MAX, type OrderCounts } from './report.ts'

/** One sale as PostgreSQL has it. */
export interface DatabaseSale {
  saleId: string
  stock: number
  sold: number
  /** Units of ended orders, as the sale's own counter says. */
  returned: number
  closesAtMs: number
  epoch: number
  /** 0 until the sale was brought into Redis. */
  fencedEpoch: number
  orders: OrderCounts
  /** Units of all orders; only grows. */
  orderedUnits: number
  /** Units of orders that are cancelled or refunded; only grows. */
  endedUnits: number
  /** Orders that were paid, cancelled or refunded and are not settled. */
  unsettled: number
  ordered: number
  rejected: number
  /** The columns that the ledger has, too. */
  row: SaleRow
}

export interface DatabaseReading {
  sales: DatabaseSale[]
  outbox: number
  findings: Finding[]
  /** Buyers who may not buy. */
  blacklist: string[]
}

/** Up to some 40 statements at one instant, each with a limit of its own. */
export const READING = { isolationLevel: Prisma.TransactionIsolationLevel.RepeatableRead, timeout: 120_000 }

/** Reads one snapshot of PostgreSQL: an error in it is one, also while the sale goes on. */
export async function readDatabase(
  database: Database,
  saleId: string | undefined,
  limits: AuditLimits,
): Promise<DatabaseReading> {
  return database.$transaction(async (tx) => {
    const sales = await readSales(tx, saleId === undefined ? undefined : [saleId])
    const blacklist = (await tx.blacklistEntry.findMany({ select: { buyerId: true } })).map(({ buyerId }) => buyerId)
    return {
      sales,
      blacklist,
      outbox: await countOutboxMessages(tx),
      findings: await findViolations(
        tx,
        sales.map((sale) => sale.saleId),
        limits,
      ),
    }
  }, READING)
}

/** Messages that are still to be published. */
async function countOutboxMessages(tx: Transaction): Promise<number> {
  const [outbox] = await tx.$queryRaw<{ messages: number }[]>`
    SELECT coalesce(sum(size), 0)::int AS messages FROM outbox`
  return outbox?.messages ?? 0
}

/** Whether two readings of a sale are equal: nothing was decided, paid or cancelled in between. */
export function isSameSale(one: DatabaseSale, other: DatabaseSale | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

/** Units of unpaid and paid orders, added up from the orders. */
export const liveUnits = (sale: DatabaseSale) => sale.orderedUnits - sale.endedUnits

/** Of those sales, or of all. */
export async function readSales(tx: Transaction, saleIds: string[] | undefined): Promise<DatabaseSale[]> {
  const among = (column: Prisma.Sql) => (saleIds ? Prisma.sql`WHERE ${column} = ANY(${saleIds})` : Prisma.empty)
  const rows = await tx.$queryRaw<
    (Omit<DatabaseSale, 'orders' | 'closesAtMs' | 'row'> & Omit<SaleRow, 'id'> & { orders: Partial<OrderCounts> })[]
  >`
    SELECT s.id AS "saleId", s.stock, s.sold, s.returned, s.epoch, s.fenced_epoch AS "fencedEpoch",
      s.title, s.price_cents AS "priceCents", s.per_buyer_limit AS "perBuyerLimit", s.shards,
      s.opens_at AS "opensAt", s.closes_at AS "closesAt", s.is_stopped AS "isStopped",
      s.opening, s.opening_seed AS "openingSeed", s.earlier_terms AS "earlierTerms",
      coalesce(o.orders, '{}') AS orders, coalesce(o.unsettled, 0)::int AS unsettled,
      coalesce(o.ordered_units, 0)::int AS "orderedUnits", coalesce(o.ended_units, 0)::int AS "endedUnits",
      coalesce(d.ordered, 0)::int AS ordered, coalesce(d.rejected, 0)::int AS rejected
    FROM sales s
    LEFT JOIN (
      SELECT sale_id, jsonb_object_agg(status, orders) AS orders, sum(unsettled) AS unsettled,
        sum(units) AS ordered_units, sum(units) FILTER (WHERE status IN ('CANCELLED', 'REFUNDED')) AS ended_units
      FROM (
        SELECT sale_id, status, count(*) AS orders, sum(quantity) AS units,
          count(*) FILTER (WHERE status <> 'PENDING_PAYMENT' AND settled_at IS NULL) AS unsettled
        FROM orders ${among(Prisma.sql`sale_id`)} GROUP BY sale_id, status
      ) AS by_status GROUP BY sale_id
    ) AS o ON o.sale_id = s.id
    LEFT JOIN (
      SELECT sale_id, count(*) FILTER (WHERE outcome = 'ORDERED') AS ordered,
        count(*) FILTER (WHERE outcome = 'REJECTED') AS rejected
      FROM decisions ${among(Prisma.sql`sale_id`)} GROUP BY sale_id
    ) AS d ON d.sale_id = s.id
    ${among(Prisma.sql`s.id`)}
    ORDER BY s.opens_at, s.id`
  return rows.map(
    ({
      title,
      priceCents,
      perBuyerLimit,
      shards,
      opensAt,
      closesAt,
      isStopped,
      opening,
      openingSeed,
      earlierTerms,
      orders,
      ...sale
    }) => ({
      ...sale,
      closesAtMs: closesAt.getTime(),
      orders: { PENDING_PAYMENT: 0, PAID: 0, CANCELLED: 0, REFUNDED: 0, ...orders },
      row: {
        id: sale.saleId,
        epoch: sale.epoch,
        stock: sale.stock,
        title,
        priceCents,
        perBuyerLimit,
        shards,
        opensAt,
        closesAt,
        isStopped,
        opening,
        openingSeed,
        earlierTerms,
      },
    }),
  )
}

/**
 * A shop of up to so many decisions is checked by one statement, a larger one by one for each rule: together, these
 * exceeded the time limit of a statement over 600,000 orders. Also when one small sale is audited, since rules read
 * whole tables.
 */
const DECISIONS_AT_ONCE = 5_000

export async function findViolations(tx: Transaction, saleIds: string[], limits: AuditLimits): Promise<Finding[]> {
  const rules = databaseRules(limits)
  const findings: Finding[] = []
  for (const some of (await isLarge(tx)) ? rules.map((rule) => [rule]) : [rules]) {
    const broken = await tx.$queryRaw<{ rule: number; sale_id: string; count: number; ids: string[] }[]>`
      ${Prisma.join(
        some.map(
          ({ rows }, i) => Prisma.sql`
            SELECT ${i}::int AS rule, sale_id, count(*)::int AS count,
              (array_agg(id ORDER BY id))[1:${NAMED_MAX}::int] AS ids
            FROM (${rows}) AS violation WHERE sale_id = ANY(${saleIds}) GROUP BY sale_id`,
        ),
        ' UNION ALL ',
      )}
      ORDER BY rule`
    for (const { rule, sale_id: saleId, count, ids } of broken) {
      const { check, what, state = 'wrong' } = some[rule] as Rule
      findings.push({ saleId, check, state, what, count, ids })
    }
  }
  return findings
}

async function isLarge(tx: Transaction): Promise<boolean> {
  const [size] = await tx.$queryRaw<{ decisions: number }[]>`
    SELECT count(*)::int AS decisions FROM (SELECT FROM decisions LIMIT ${DECISIONS_AT_ONCE + 1}) AS decided`
  return (size?.decisions ?? 0) > DECISIONS_AT_ONCE
}
