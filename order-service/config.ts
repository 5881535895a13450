import { z } from 'zod'
import { RESERVATIONS_PER_MESSAGE_MAX } from '../core/contracts/messages.ts'
import { bounded, count, everyService, milliseconds, settings } from '../core/platform/process/config.ts'
import type { TurnLimits } from '../core/platform/limits/turns.ts'
import { CALLBACKS_WAIT, type RequestKind } from '../core/platform/http/request-turns.ts'
import { httpBase } from '../core/platform/http/http-url.ts'
import { isIssuerGiven, ISSUER_MISSING, tokenSettings } from '../core/platform/http/token-settings.ts'

export const OrderServiceConfig = z
  .object({
    ...everyService,
    ORDER_SERVICE_PORT: settings.port(3002).describe('port of the order service'),
    DATABASE_URL: settings.DATABASE_URL,
    REDIS_URL: settings.REDIS_URL,
    REDIS_KEY_PREFIX: settings.REDIS_KEY_PREFIX,
    RABBITMQ_URL: settings.RABBITMQ_URL,
    ...tokenSettings,
    PAYMENT_SECRET: settings.PAYMENT_SECRET,
    PAYMENT_PROVIDER: z
      .enum(['demo', 'stripe'])
      .default('demo')
      .describe('the payment provider; stripe has the secret of its webhooks in PAYMENT_SECRET (docs/forking.md)'),
    PAYMENT_PROVIDER_URL: httpBase().describe('base URL of the payment provider, as the order service reaches it'),
    PAYMENT_API_KEY: z
      .string()
      .regex(/^[rs]k_(live|test)_\w+$/, 'expected sk_live_…, rk_live_…, or one of these with test')
      .optional()
      .describe("key of the payment provider's API; required for stripe"),
    SHOP_PAGE_URL: settings.SHOP_PAGE_URL,
    ALLOW_DEMO_PAYMENTS: settings.ALLOW_DEMO_PAYMENTS,
    INTAKE_QUEUE_MAX_LENGTH: settings.INTAKE_QUEUE_MAX_LENGTH,
    RESERVATION_LIFETIME_SECONDS: settings.RESERVATION_LIFETIME_SECONDS,
    PAYMENT_WINDOW_SECONDS: settings.PAYMENT_WINDOW_SECONDS,
    CURRENCY: settings.CURRENCY,
    SAGA_SECONDS: settings.SAGA_SECONDS,
    DELAY_TRANSPORT: settings.DELAY_TRANSPORT,
    ORDERS_PER_SECOND: bounded([0.001, 10_000_000], { isWhole: false })
      .default(2_000)
      .describe('steady rate at which one order service places reservations'),
    // An order costs this process 45 µs with 256, 38 with 512, 39 with 1,000; a batch locks the row of its sale for 20
    // ms.
    ORDER_BATCH_MAX: count(512, [1, 1_000]).describe(
      'reservations placed in one transaction; messages are not split, ' +
        `so it may be up to ${RESERVATIONS_PER_MESSAGE_MAX - 1} more`,
    ),
    // Half of the connections to PostgreSQL, so that placing and payments find one while buyers look at their orders.
    REQUESTS_AT_ONCE: count(5, [1, 10_000]).describe(
      'requests that one order service works on at once: orders and reservations; twenty times as many callbacks, ' +
        'which share transactions, and ten times as many that pay or cancel, since they wait for the payment provider',
    ),
    REQUESTS_WAITING_MAX: count(1_000, [0, 100_000]).describe(
      'requests of each kind but callbacks that may wait for their turn, the newest first; ' +
        'more are BUSY, the oldest first',
    ),
    // The gateway waits 10 s for an answer, a buyer hardly longer than 3.
    REQUEST_WAIT_MS_MAX: milliseconds(1_500, [1, 60_000]).describe(
      'requests, but callbacks, that have waited so long for their turn are BUSY; ' +
        'shorter than any client waits for its answer',
    ),
  })
  .refine(isIssuerGiven, ISSUER_MISSING)
export type OrderServiceConfig = z.output<typeof OrderServiceConfig>

/** Limit per process. */
export const DATABASE_CONNECTIONS = 10

/** Paying waits for the payment provider, most of the time without a connection to PostgreSQL. */
const PAYING_TIMES = 10
/**
 * Those that are there at once share transactions: with 20 of them 118 orders a second were carried through, with 100
 * of them 170.
 */
const CALLBACK_TIMES = 20

export function turnLimits(config: OrderServiceConfig): Record<RequestKind, TurnLimits> {
  const { REQUESTS_AT_ONCE: atOnce, REQUESTS_WAITING_MAX: waitingMax, REQUEST_WAIT_MS_MAX: waitMsMax } = config
  const each = { atOnce, waitingMax, waitMsMax }
  return {
    reading: each,
    paying: { ...each, atOnce: PAYING_TIMES * atOnce },
    callback: { ...CALLBACKS_WAIT, atOnce: CALLBACK_TIMES * atOnce },
  }
}
