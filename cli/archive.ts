/**
 * Usage: npm run archive -- <sale …>                    archives these sales
 *        npm run archive -- --all-ended [--days N]      archives all that ended at least N days ago; 1 when left out
 *   --json   what became of each sale, as one JSON object a line
 * Moves ended sales, with their orders and all that belongs to them, out of the tables that the services and the audit
 * read. A sale must have ended a day ago and be at rest; otherwise nothing of it moves, and the reasons are printed.
 * An archived sale can still be audited (npm run audit -- --sale ID), and its buyers still see their orders.
 * Exits 0 when all are archived, 1 when one is not, 2 when a server does not answer. After that, run it again.
 */
import { z } from 'zod'
import { archiveSale, type Archiving, findEndedSales } from '../core/archive/archive-sale.ts'
import { auditLimits } from '../core/audit/report.ts'
import { commandLine, numberOf, refuse } from '../core/platform/process/command-line.ts'
import { parseConfig, settings } from '../core/platform/process/config.ts'
import { createLog } from '../core/platform/process/log.ts'
import { connectDatabase } from '../core/platform/stores/connect-database.ts'
import type { Database } from '../core/platform/stores/database.ts'
import { connectRedis, redisReady } from '../core/platform/stores/redis.ts'
import { Stock } from '../core/stock/stock.ts'
import { runningSystem } from './running-system.ts'

/** Of the audit that comes first: ten million orders take some minutes. */
const STATEMENT_MS_MAX = 1_800_000

const { values, positionals } = commandLine(
  { 'all-ended': { type: 'boolean' }, days: { type: 'string' }, json: { type: 'boolean' } },
  [0, Infinity],
)
const isForAll = values['all-ended'] === true
if (isForAll === positionals.length > 0) refuse('Expected either the ids of sales or --all-ended.')
if (values.days !== undefined && !isForAll) refuse('--days goes with --all-ended.')
const days = numberOf('--days', values.days ?? '1', [1, 36_500], { isWhole: false })

const ArchiveConfig = z.object({
  DATABASE_URL: settings.DATABASE_URL,
  REDIS_URL: settings.REDIS_URL,
  REDIS_KEY_PREFIX: settings.REDIS_KEY_PREFIX,
  RESERVATION_LIFETIME_SECONDS: settings.RESERVATION_LIFETIME_SECONDS,
})

try {
  await archiveAll()
} catch (error) {
  process.stderr.write(`The archiver stopped: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 2
}

/** Prints what became of each sale as soon as it is known: a large one takes minutes. */
async function archiveAll(): Promise<void> {
  const config = parseConfig(
    ArchiveConfig,
    process.env.DATABASE_URL ? process.env : { ...runningSystem(), ...process.env },
  )
  const database = connectDatabase(config.DATABASE_URL, { connections: 2, statementTimeoutMs: STATEMENT_MS_MAX })
  const redis = connectRedis(config.REDIS_URL, createLog('archive', 'silent'), 30_000)
  try {
    await redisReady(redis, 5_000)
    const stock = new Stock(redis, config.REDIS_KEY_PREFIX)
    const limits = auditLimits(config.RESERVATION_LIFETIME_SECONDS)
    const saleIds = await chosenSales(database)
    if (saleIds.length === 0 && !values.json) process.stdout.write('No sale has ended so long ago.\n')
    for (const saleId of saleIds) {
      const archiving = await archiveSale({ database, stock, limits }, saleId)
      if (archiving.outcome === 'REFUSED' || archiving.outcome === 'NO_SUCH_SALE') process.exitCode = 1
      process.stdout.write(`${values.json ? JSON.stringify({ saleId, ...archiving }) : formatted(saleId, archiving)}\n`)
    }
  } finally {
    redis.disconnect()
    await database.$disconnect()
  }
}

async function chosenSales(database: Database): Promise<string[]> {
  return isForAll ? findEndedSales(database, days) : positionals
}

function formatted(saleId: string, archiving: Archiving): string {
  switch (archiving.outcome) {
    case 'ARCHIVED':
      return `${saleId}: archived, ${archiving.rows} rows.`
    case 'ARCHIVED_BEFORE':
      return `${saleId}: archived before.`
    case 'NO_SUCH_SALE':
      return `${saleId}: there is no such sale.`
    case 'REFUSED':
      return `${saleId}: not archived: ${archiving.obstacles.join('; ')}.`
  }
}
