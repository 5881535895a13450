import type { RedisClient } from '../platform/stores/redis.ts'
import { inArchive, inBoth } from '../platform/stores/archive.ts'
import type { Database } from '../platform/stores/database.ts'
import { groupBy, slicesOf } from '../platform/batches/divide.ts'
import { type BlacklistDifference, compareBlacklist } from '../stock/compare-blacklist.ts'
import { StockKeys } from '../stock/keys.ts'
import { RedisClock } from '../stock/redis-clock.ts'
import { KEPT_AFTER_END_MS } from '../stock/sale-figures.ts'
import { ledgersOf } from '../stock/shards.ts'
import { disagreements } from './agreement.ts'
import { readWithoutLedger } from './read-without-ledger.ts'
import { checkSale, type SaleReading } from './checks.ts'
import { matchReservations } from './match-reservations.ts'
import type { QueueReader } from './queue-depths.ts'
import { type DatabaseReading, type DatabaseSale, isSameSale, readDatabase, READING } from './read-database.ts'
import { readStock, type StockReading } from './read-stock.ts'
import type { AuditLimits, AuditReport, Finding, QueueDepths, SaleAudit } from './report.ts'

export interface AuditDeps {
  database: Database
  redis: RedisClient
  keyPrefix: string
  queues: QueueReader
  limits: AuditLimits
}

/** PostgreSQL and Redis cannot be read at one instant: a wrong report counts only after so many readings. */
const READINGS_MAX = 5
/** Sales of which Redis is asked at a time: of thousands, all at once would hold up its other clients. */
const READ_TOGETHER_MAX = 200

/**
 * Accounts for every unit from outside the services: recounts PostgreSQL from its rows, compares Redis with it, and
 * counts what is in flight. An archived sale is audited when its id is given. @throws when a server does not answer.
 */
export async function audit(deps: AuditDeps, saleId?: string): Promise<AuditReport> {
  let report = await readOnce(deps, saleId)
  for (let reading = 1; reading < READINGS_MAX && !report.balanced && !report.quiet; reading++) {
    report = await readOnce(deps, saleId)
  }
  if (saleId === undefined || report.sales.length > 0) return report
  return (await auditArchived(deps, saleId, report)) ?? report
}

/** Undefined when no sale of that id is archived. Its figures are final, and Redis has none of them any more. */
async function auditArchived(
  { database, limits }: AuditDeps,
  saleId: string,
  { queues, outbox }: AuditReport,
): Promise<AuditReport | undefined> {
  return inArchive(
    database,
    async (tx) => {
      const [sale] = await tx.$queryRaw<{ archivedAt: Date | null }[]>`
        SELECT archived_at AS "archivedAt" FROM sales WHERE id = ${saleId}`
      const read = () => readWithoutLedger(tx, saleId, limits)
      const reading = sale?.archivedAt === null ? await inBoth(tx, read) : await read()
      if (!sale || !reading) return undefined
      const report = reportOf([reading], queues, outbox)
      const since = sale.archivedAt ? { archivedAt: sale.archivedAt.toISOString() } : {}
      return { ...report, sales: report.sales.map((audited) => ({ ...audited, ...since })) }
    },
    READING,
  )
}

/** PostgreSQL, then Redis, then PostgreSQL again: where both readings are equal, Redis was read in the same state. */
async function readOnce(deps: AuditDeps, saleId: string | undefined): Promise<AuditReport> {
  const { database, redis, limits } = deps
  const keys = new StockKeys(deps.keyPrefix)
  const queues = await deps.queues.read()
  const before = await readDatabase(database, saleId, limits)
  const nowMs = await new RedisClock(redis, keys.sales()).read()
  const sides = await readSides(deps, keys, before, nowMs)
  const shards = new Map(before.sales.map((sale) => [sale.saleId, sale.row.shards]))
  const mismatches = await matchReservations({ database, redis, keys }, saleId, shards, nowMs, limits)
  const after = await readDatabase(database, saleId, limits)

  const laterSales = new Map(after.sales.map((sale) => [sale.saleId, sale]))
  const isIdle = queues.intake === 0 && before.outbox === 0 && after.outbox === 0
  const [ofDatabase, ofRedis] = [
    groupBy(after.findings, (finding) => finding.saleId),
    groupBy(mismatches, (finding) => finding.saleId),
  ]
  const readings = sides.flatMap(({ earlier, stock, blacklist }): SaleReading[] => {
    const later = laterSales.get(earlier.saleId)
    if (!later) return []
    const isOpen = stock.isOpen && stock.epoch === later.epoch
    const isForgotten = nowMs > later.closesAtMs + KEPT_AFTER_END_MS
    const differing = isOpen
      ? disagreements({ earlier, later, stock, blacklist: confirmed(blacklist, after), nowMs }, limits)
      : []
    // The ledger of a sale that is being rebuilt will be replaced.
    const inRedis = [...(ofRedis.get(later.saleId) ?? []), ...overdue(later, stock.overdue)].map((finding) =>
      isOpen ? finding : { ...finding, state: 'in flight' as const },
    )
    const findings = [...(ofDatabase.get(later.saleId) ?? []), ...inRedis, ...differing]
    const quiet =
      isIdle &&
      (isOpen || isForgotten) &&
      later.unsettled === 0 &&
      stock.pending === 0 &&
      stock.undecided === 0 &&
      stock.moving === 0 &&
      differing.length === 0 &&
      isSameSale(earlier, later)
    return [{ earlier, stock, isOpen, isForgotten, later, findings, quiet }]
  })
  return reportOf(readings, queues, after.outbox)
}

interface RedisSide {
  earlier: DatabaseSale
  stock: StockReading
  blacklist: BlacklistDifference
}

/**
 * The blacklists of ended sales are not compared: nothing can be bought there, and a day's ended sales would cost as
 * much as the open ones.
 */
async function readSides(
  { redis, limits }: AuditDeps,
  keys: StockKeys,
  before: DatabaseReading,
  nowMs: number,
): Promise<RedisSide[]> {
  const readSide = async (earlier: DatabaseSale): Promise<RedisSide> => {
    const stock = await readStock(redis, keys, earlier, nowMs - limits.undecidedMs)
    const isOver = nowMs >= earlier.closesAtMs
    const blacklist = isOver
      ? { missing: [], extra: [] }
      : await compareBlacklists(redis, keys, earlier, before.blacklist)
    return { earlier, stock, blacklist }
  }
  const sides: RedisSide[] = []
  for (const some of slicesOf(before.sales, READ_TOGETHER_MAX)) sides.push(...(await Promise.all(some.map(readSide))))
  return sides
}

/** What differs in any shard. */
async function compareBlacklists(
  redis: RedisClient,
  keys: StockKeys,
  { saleId, row: { shards } }: DatabaseSale,
  listed: string[],
): Promise<BlacklistDifference> {
  const found = await Promise.all(
    ledgersOf(saleId, shards).map((ledger) => compareBlacklist(redis, keys.blacklist(ledger), listed)),
  )
  const union = (of: keyof BlacklistDifference) => [...new Set(found.flatMap((difference) => difference[of]))]
  return { missing: union('missing'), extra: union('extra') }
}

/** Without buyers who were listed or unlisted in between. */
function confirmed({ missing, extra }: BlacklistDifference, { blacklist }: DatabaseReading): BlacklistDifference {
  if (missing.length + extra.length === 0) return { missing, extra }
  const listed = new Set(blacklist)
  return {
    missing: missing.filter((buyerId) => listed.has(buyerId)),
    extra: extra.filter((buyerId) => !listed.has(buyerId)),
  }
}

/** Named by Redis' list of undecided reservations, also where the reservation itself has expired. */
function overdue({ saleId }: DatabaseSale, ids: string[]): Finding[] {
  return ids.length === 0
    ? []
    : [{ saleId, check: 3, state: 'wrong', what: 'undecided past their lifetime', count: ids.length, ids }]
}

function reportOf(readings: SaleReading[], queues: QueueDepths, outbox: number): AuditReport {
  const sales = readings.map(
    (reading): SaleAudit => ({
      saleId: reading.later.saleId,
      stock: reading.later.stock,
      sold: reading.later.sold,
      redisLeft: reading.stock.left,
      isOpen: reading.isOpen,
      pending: reading.stock.pending,
      undecided: reading.stock.undecided,
      orders: reading.later.orders,
      rejections: reading.later.rejected,
      checks: checkSale(reading),
    }),
  )
  return {
    balanced: sales.every((sale) => sale.checks.every((check) => check.state !== 'wrong')),
    quiet: readings.every((reading) => reading.quiet),
    at: new Date().toISOString(),
    sales,
    queues,
    outbox,
  }
}
