/**
 * Usage: npm run audit [-- [--sale ID] [--wait SECONDS] [--json]]
 *   --sale ID        only this sale, also an archived one; all that are not archived when left out
 *   --wait SECONDS   repeats until nothing is in flight, at most so long
 *   --json           the report as JSON
 * Accounts for every unit from outside the services. Exits 0 when balanced, 1 when not, 2 when a server does not
 * answer.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { commandLine, numberOf } from '../core/platform/process/command-line.ts'
import { parseConfig, settings } from '../core/platform/process/config.ts'
import { connectDatabase } from '../core/platform/stores/connect-database.ts'
import { createLog } from '../core/platform/process/log.ts'
import { connectRedis, redisReady } from '../core/platform/stores/redis.ts'
import { runningSystem } from './running-system.ts'
import { audit } from '../core/audit/audit.ts'
import { formatAudit } from './format-audit.ts'
import { createQueueReader } from '../core/audit/queue-depths.ts'
import { type AuditReport, auditLimits } from '../core/audit/report.ts'

const WAIT_SECONDS_MAX = 86_400

const { values } = commandLine({ sale: { type: 'string' }, wait: { type: 'string' }, json: { type: 'boolean' } })
const waitSeconds =
  values.wait === undefined ? 0 : numberOf('--wait', values.wait, [0, WAIT_SECONDS_MAX], { isWhole: false })

const AuditConfig = z.object({
  DATABASE_URL: settings.DATABASE_URL,
  REDIS_URL: settings.REDIS_URL,
  REDIS_KEY_PREFIX: settings.REDIS_KEY_PREFIX,
  RABBITMQ_URL: settings.RABBITMQ_URL,
  RESERVATION_LIFETIME_SECONDS: settings.RESERVATION_LIFETIME_SECONDS,
  PAYMENT_WINDOW_SECONDS: settings.PAYMENT_WINDOW_SECONDS,
})

try {
  const report = await readReport()
  process.stdout.write(
    values.json ? `${JSON.stringify(report, null, 2)}\n` : `${formatAudit(report, process.stdout.isTTY)}\n`,
  )
  process.exitCode = report.balanced && (waitSeconds === 0 || report.quiet) ? 0 : 1
} catch (error) {
  process.stderr.write(`The audit failed: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 2
}

async function readReport(): Promise<AuditReport> {
  const config = parseConfig(
    AuditConfig,
    process.env.DATABASE_URL ? process.env : { ...runningSystem(), ...process.env },
  )
  const database = connectDatabase(config.DATABASE_URL, { connections: 2, statementTimeoutMs: 60_000 })
  const redis = connectRedis(config.REDIS_URL, createLog('audit', 'silent'), 30_000)
  const queues = createQueueReader(config.RABBITMQ_URL, config.PAYMENT_WINDOW_SECONDS)
  try {
    await redisReady(redis, 5_000)
    const deps = {
      database,
      redis,
      queues,
      keyPrefix: config.REDIS_KEY_PREFIX,
      limits: auditLimits(config.RESERVATION_LIFETIME_SECONDS),
    }
    const untilMs = Date.now() + waitSeconds * 1_000
    let report = await audit(deps, values.sale)
    while (!report.quiet && Date.now() < untilMs) {
      await delay(500)
      report = await audit(deps, values.sale)
    }
    // An audit without sales is balanced; a mistyped id must not be.
    if (values.sale !== undefined && report.sales.length === 0)
      throw new Error(`there is no sale "${values.sale}"; without --sale every sale that is not archived is audited`)
    return report
  } finally {
    await queues.close()
    redis.disconnect()
    await database.$disconnect()
  }
}
