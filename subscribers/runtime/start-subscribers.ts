import { connectDatabase } from '../../core/platform/stores/connect-database.ts'
import { databaseCheck } from '../../core/platform/stores/database-check.ts'
import { startHttp } from '../../core/platform/http/http-service.ts'
import { Loops } from '../../core/platform/process/loops.ts'
import { metricsAccess } from '../../core/platform/http/metrics-access.ts'
import { createMetrics } from '../../core/platform/process/metrics.ts'
import { connectRedis, waitForRedis } from '../../core/platform/stores/redis.ts'
import { redisCheck, refuseUnfitRedis } from '../../core/platform/stores/redis-check.ts'
import type { StartService } from '../../core/platform/process/service.ts'
import { nearEpochs } from '../../core/rebuild/sales-in-turn.ts'
import { EPOCHS_INTERVAL_MS, leaveStalePrimary } from '../../core/stock/stale-primary.ts'
import { Stock } from '../../core/stock/stock.ts'
import type { SubscribersConfig } from './config.ts'
import { findSubscribers } from './find-subscribers.ts'
import { subscriberRights } from './handle-events.ts'
import { subscriberMetrics } from './metrics.ts'
import { runSubscriber } from './run-subscriber.ts'

/** Starts each subscriber of the folder, independently of the others. */
export const startSubscribers: StartService<SubscribersConfig> = async ({ config, log, closers }) => {
  const registry = createMetrics('subscribers')
  const subscribers = await findSubscribers(config.SUBSCRIBERS_FOLDER, config.SUBSCRIBERS)
  const database = connectDatabase(config.DATABASE_URL, { connections: 1, statementTimeoutMs: 5_000 })
  closers.add('database', () => database.$disconnect())
  const redis = connectRedis(config.REDIS_URL, log)
  closers.add('redis', () => redis.disconnect())
  await waitForRedis(redis, log)
  await refuseUnfitRedis(redis, config.NODE_ENV, log)

  const metrics = subscriberMetrics(registry)
  const loops = new Loops(log, registry)
  const stock = new Stock(redis, config.REDIS_KEY_PREFIX)
  const epochs = loops.repeat(
    'epochs',
    EPOCHS_INTERVAL_MS,
    leaveStalePrimary({ stock, readEpochs: () => nearEpochs(database), connections: [redis], log }),
  )
  closers.add('epochs', () => epochs.close())
  /** Whether each is at work; none while they still wait for their servers. */
  const running: (() => boolean)[] = []
  const http = await startHttp({
    host: config.HOST,
    port: config.SUBSCRIBERS_PORT,
    log,
    metrics: registry,
    metricsAccess: metricsAccess(config),
    checks: {
      database: () => databaseCheck(database),
      redis: redisCheck(redis, subscriberRights(config.REDIS_KEY_PREFIX)),
      broker: () => running.length === subscribers.length && running.every((isAtWork) => isAtWork()),
      loops: () => loops.check(),
    },
    routes: () => {},
  })
  closers.add('http', () => http.close())
  // After http, whose /readyz says what is waited for.
  running.push(
    ...(await Promise.all(
      subscribers.map((subscriber) =>
        runSubscriber(subscriber, {
          closers,
          loops,
          metrics,
          registry,
          tools: { config, redis, log: log.child({ subscriber: subscriber.name }) },
        }),
      ),
    )),
  )
  return { port: http.port }
}
