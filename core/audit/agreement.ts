import { closedSale } from '../rebuild/close-sale.ts'
import type { BlacklistDifference } from '../stock/compare-blacklist.ts'
import { differingFigures } from '../stock/sale-state.ts'
import type { DatabaseSale } from './read-database.ts'
import type { StockReading } from './read-stock.ts'
import { type AuditLimits, type Finding, NAMED_MAX } from './report.ts'

/** One sale on both sides: PostgreSQL was read before Redis (`earlier`) and after it (`later`). */
export interface BothSides {
  earlier: DatabaseSale
  later: DatabaseSale
  stock: StockReading
  blacklist: BlacklistDifference
  nowMs: number
}

/** Differences between Redis and PostgreSQL in an open sale, and sales that were not reconciled for too long. */
export function disagreements({ earlier, later, stock, blacklist, nowMs }: BothSides, limits: AuditLimits): Finding[] {
  const { saleId } = later
  const finding = (what: string, ids: string[]): Finding[] =>
    ids.length === 0
      ? []
      : [{ saleId, check: 8, state: 'wrong', what, count: ids.length, ids: ids.slice(0, NAMED_MAX) }]
  const found = [
    ...finding(
      'figures of the sale that differ between Redis and PostgreSQL',
      stock.figures ? differing(stock.figures, earlier, later) : [],
    ),
    ...finding('buyers on the blacklist who are not blocked in Redis', blacklist.missing),
    ...finding('buyers who are blocked in Redis and not on the blacklist', blacklist.extra),
  ]
  if (nowMs >= later.closesAtMs) return found
  return [
    ...found,
    ...finding(
      'sales that the cancel worker has not reconciled',
      unreconciled(later, stock.reconciledAtMs, nowMs, limits),
    ),
  ]
}

/**
 * Figures that differ from both readings, with both values: a difference from only one may be a change between the
 * readings.
 */
function differing(redis: NonNullable<StockReading['figures']>, earlier: DatabaseSale, later: DatabaseSale): string[] {
  const before = differingFigures(redis, closedSale(earlier.row))
  const now = closedSale(later.row)
  return differingFigures(redis, now)
    .filter((name) => before.includes(name))
    .map((name) => `${name} ${shown(name, redis[name])} in Redis, ${shown(name, now[name])} in PostgreSQL`)
}

function shown(name: string, value: string | number | true | object | undefined): string {
  if (typeof value === 'object') return JSON.stringify(value)
  return name.endsWith('AtMs') && typeof value === 'number' && Number.isFinite(value)
    ? new Date(value).toISOString()
    : String(value ?? 'none')
}

/** From its opening on a sale is reconciled in every run; before, sales take turns. */
function unreconciled(
  { saleId, row: { opensAt } }: DatabaseSale,
  atMs: number | null,
  nowMs: number,
  { reconciledMs }: AuditLimits,
): string[] {
  if (atMs === null) return [`${saleId} (never)`]
  return nowMs - Math.max(atMs, opensAt.getTime()) > reconciledMs
    ? [`${saleId} (not since ${new Date(atMs).toISOString()})`]
    : []
}
