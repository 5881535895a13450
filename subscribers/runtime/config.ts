import { z } from 'zod'
import { PARTITIONS_MAX } from '../../core/contracts/subscriber-topology.ts'
import { count, everyService, seconds, settings } from '../../core/platform/process/config.ts'

const names = (given: string) =>
  given
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')

export const SubscribersConfig = z.object({
  ...everyService,
  SUBSCRIBERS_PORT: settings.port(3005).describe('port of the subscribers (health and metrics only)'),
  DATABASE_URL: settings.DATABASE_URL,
  REDIS_URL: settings.REDIS_URL,
  REDIS_KEY_PREFIX: settings.REDIS_KEY_PREFIX,
  RABBITMQ_URL: settings.RABBITMQ_URL,
  CURRENCY: settings.CURRENCY,
  SAGA_SECONDS: settings.SAGA_SECONDS,
  SUBSCRIBERS: z
    .string()
    .default('')
    .transform(names)
    .describe('names of those that this process runs, separated by commas; empty for all'),
  SUBSCRIBERS_FOLDER: z
    .string()
    .min(1)
    .default('subscribers')
    .describe('folder whose files are the subscribers, one each'),
  SUBSCRIBER_PARTITIONS: count(4, [1, PARTITIONS_MAX]).describe(
    'queues over which the orders of a new subscriber are shared out; npm run spread changes those of one that has run',
  ),
  SUBSCRIBER_BATCH_MAX: count(128, [1, 1_000]).describe(
    'events that one transaction of a subscriber handles at most; a transaction may take 10 s, so slow effects need fewer',
  ),
  PREDECESSOR_WAIT_SECONDS: seconds(30, [0.1, 86_400]).describe(
    'how long an event that came too early waits for its predecessor before it is parked',
  ),
  SMS_LOG_FILE: z
    .string()
    .min(1)
    .optional()
    .describe(
      "where the SMS provider of the demo writes, 20 MB at most; in a folder of this user's among the temporary files when unset",
    ),
  RISK_PAID_PER_MINUTE_MAX: count(5, [1, 1_000_000]).describe(
    'sales in which a buyer may pay within a minute; more put them on the blacklist',
  ),
  RISK_AMOUNT_CENTS: count(1_000_000, [1, 1_000_000_000_000]).describe(
    'paid orders of this amount or more are marked for a person to look at',
  ),
})
export type SubscribersConfig = z.output<typeof SubscribersConfig>

/** To PostgreSQL, of one subscriber: one for itself and one for each queue that it works on. */
export const connectionsFor = (queues: number) => 1 + queues
