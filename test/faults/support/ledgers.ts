import { audit } from '../../../core/audit/audit.ts'
import { createQueueReader, type QueueReader } from '../../../core/audit/queue-depths.ts'
import { auditLimits, type AuditReport } from '../../../core/audit/report.ts'
import { connectDatabase } from '../../../core/platform/stores/connect-database.ts'
import type { Database } from '../../../core/platform/stores/database.ts'
import { createLog } from '../../../core/platform/process/log.ts'
import { connectRedis, type RedisClient } from '../../../core/platform/stores/redis.ts'
import { Stock } from '../../../core/stock/stock.ts'
import { stretched } from '../../support/patience.ts'
import type { AnyServers } from './servers.ts'

/** Longer than in services: an audit must not fail on a slow machine. */
const REDIS_PATIENCE_MS = 5_000
const PATIENCE_MS = 20_000

/** Connections to PostgreSQL, Redis and the broker that bypass the faulty links. */
export class Ledgers {
  readonly database: Database
  readonly redis: RedisClient
  readonly stock: Stock
  readonly #queues: QueueReader
  readonly #env: Record<string, string>

  constructor({ databaseUrl, redisUrl, rabbitmqUrl }: AnyServers, env: Record<string, string>) {
    this.#env = env
    this.database = connectDatabase(databaseUrl, {
      connections: 4,
      statementTimeoutMs: PATIENCE_MS,
      connectTimeoutMs: PATIENCE_MS,
    })
    this.redis = connectRedis(redisUrl, createLog('ledgers', 'silent'), REDIS_PATIENCE_MS)
    this.stock = new Stock(this.redis, env.REDIS_KEY_PREFIX ?? '')
    this.#queues = createQueueReader(rabbitmqUrl, Number(env.PAYMENT_WINDOW_SECONDS), PATIENCE_MS)
  }

  /** @throws while a server is unreachable */
  audit(saleId: string): Promise<AuditReport> {
    const { undecidedMs, settlingMs, reconciledMs } = auditLimits(Number(this.#env.RESERVATION_LIFETIME_SECONDS))
    return audit(
      {
        database: this.database,
        redis: this.redis,
        queues: this.#queues,
        keyPrefix: this.#env.REDIS_KEY_PREFIX ?? '',
        limits: {
          undecidedMs: stretched(undecidedMs),
          settlingMs: stretched(settlingMs),
          reconciledMs: stretched(reconciledMs),
        },
      },
      saleId,
    )
  }

  /** Reservations of a sale that the broker has not confirmed. */
  async countPending(saleId: string): Promise<number> {
    const sale = await this.stock.readSale(saleId)
    return (await this.stock.countWaiting(saleId, sale?.shards)).pending
  }

  /** Whether PostgreSQL and Redis can be reached; after a fault their connections have to be made anew. */
  async answer(): Promise<boolean> {
    const answers = await Promise.allSettled([this.database.$queryRaw`SELECT 1`, this.redis.ping()])
    return answers.every(({ status }) => status === 'fulfilled')
  }

  async close(): Promise<void> {
    await this.#queues.close()
    this.redis.disconnect()
    await this.database.$disconnect()
  }
}
