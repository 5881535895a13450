import { z } from 'zod'
import { bounded, everyService, seconds, settings } from '../core/platform/process/config.ts'

export const CancelWorkerConfig = z.object({
  ...everyService,
  CANCEL_WORKER_PORT: settings.port(3003).describe('port of the cancel worker (health and metrics only)'),
  DATABASE_URL: settings.DATABASE_URL,
  REDIS_URL: settings.REDIS_URL,
  REDIS_KEY_PREFIX: settings.REDIS_KEY_PREFIX,
  RABBITMQ_URL: settings.RABBITMQ_URL,
  RESERVATION_LIFETIME_SECONDS: settings.RESERVATION_LIFETIME_SECONDS,
  SAGA_SECONDS: settings.SAGA_SECONDS,
  SWEEP_INTERVAL_SECONDS: seconds(5, [0.05, 3_600]).describe(
    'how often the sweepers look for reservations and orders whose message was lost',
  ),
  SWEEP_GRACE_SECONDS: seconds(10, [0, 86_400]).describe(
    'how long a message may take before a sweeper acts in its place',
  ),
  INBOX_DAYS: bounded([1, 3_650], { isWhole: false })
    .default(30)
    .describe('how long the inbox of each subscriber is kept; longer than any event is under way'),
})
export type CancelWorkerConfig = z.output<typeof CancelWorkerConfig>

/** Most connections of one process. */
export const DATABASE_CONNECTIONS = 10
