import type { Redis } from 'ioredis'
import type { Database } from '../platform/database.ts'
import { KEPT_AFTER_END_MS } from '../stock/ledger.ts'
import { StockKeys } from '../stock/keys.ts'
import { checkSale, type SaleReading } from './checks.ts'
import { matchReservations } from './match-reservations.ts'
import type { QueueReader } from './queue-depths.ts'
import { isSameSale, type LedgerSale, readLedger } from './read-ledger.ts'
import { readServer, readStock } from './read-stock.ts'
import type { AuditLimits, AuditReport, Finding, QueueDepths, SaleAudit } from './report.ts'

export interface AuditDeps {
  database: Database
  redis: Redis
  keyPrefix: string
  queues: QueueReader
  limits: AuditLimits
}

/** PostgreSQL and Redis cannot be read at one instant: what is wrong is read this often before it is believed. */
const READINGS_MAX = 5

/**
 * Accounts for every unit from outside the services: recounts PostgreSQL from its rows, holds Redis against it, and looks
 * at what is on its way. @throws when PostgreSQL, Redis or the broker does not answer.
 */
export async function audit(deps: AuditDeps, saleId?: string): Promise<AuditReport> {
  let report = await readOnce(deps, saleId)
  for (let reading = 1; reading < READINGS_MAX && !report.balanced && !report.quiet; reading++) {
    report = await readOnce(deps, saleId)
  }
  return report
}

/** PostgreSQL, then Redis, then PostgreSQL again: where both said the same, Redis was read at their one instant. */
async function readOnce(deps: AuditDeps, saleId: string | undefined): Promise<AuditReport> {
  const { database, redis, limits } = deps
  const keys = new StockKeys(deps.keyPrefix)
  const queues = await deps.queues.read()
  const before = await readLedger(database, saleId, limits)
  const { nowMs, runId } = await readServer(redis)
  const stocks = await Promise.all(before.sales.map((sale) => readStock(redis, keys, sale.saleId, nowMs - limits.undecidedMs)))
  const mismatches = await matchReservations({ database, redis, keys }, saleId, nowMs, limits)
  const after = await readLedger(database, saleId, limits)

  const isIdle = queues.intake === 0 && before.outbox === 0 && after.outbox === 0
  const readings = before.sales.flatMap((earlier, i): SaleReading[] => {
    const stock = stocks[i]
    const ledger = after.sales.find((sale) => sale.saleId === earlier.saleId)
    if (!stock || !ledger) return []
    const isOpen = stock.runId === runId && stock.epoch === ledger.epoch
    const isForgotten = nowMs > ledger.closesAtMs + KEPT_AFTER_END_MS
    // What Redis has of a sale that is being rebuilt will be written anew.
    const ofRedis = [...mismatches, ...overdue(ledger, stock.overdue)].map((finding) => isOpen ? finding : { ...finding, state: 'in flight' as const })
    const findings = [...after.findings, ...ofRedis].filter((finding) => finding.saleId === ledger.saleId)
    const quiet = isIdle && (isOpen || isForgotten) && ledger.untold === 0 && stock.pending === 0 && stock.undecided === 0
      && isSameSale(earlier, ledger)
    return [{ earlier, stock, isOpen, isForgotten, ledger, findings, quiet }]
  })
  return reportOf(readings, queues, after.outbox)
}

/** Named by Redis' own list, also where the reservation itself has gone. */
function overdue({ saleId }: LedgerSale, ids: string[]): Finding[] {
  return ids.length === 0 ? [] : [{ saleId, check: 3, state: 'wrong', what: 'undecided past their lifetime', count: ids.length, ids }]
}

function reportOf(readings: SaleReading[], queues: QueueDepths, outbox: number): AuditReport {
  const sales = readings.map((reading): SaleAudit => ({
    saleId: reading.ledger.saleId, stock: reading.ledger.stock, sold: reading.ledger.sold, redisLeft: reading.stock.left, isOpen: reading.isOpen,
    pending: reading.stock.pending, undecided: reading.stock.undecided,
    orders: reading.ledger.orders, rejections: reading.ledger.rejected, checks: checkSale(reading),
  }))
  return {
    balanced: sales.every((sale) => sale.checks.every((check) => check.state !== 'wrong')),
    quiet: readings.every((reading) => reading.quiet),
    at: new Date().toISOString(), sales, queues, outbox,
  }
}
