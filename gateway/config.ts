import { availableParallelism } from 'node:os'
import { z } from 'zod'
import { bounded, count, everyService, milliseconds, settings } from '../core/platform/process/config.ts'
import { httpBase } from '../core/platform/http/http-url.ts'
import { isIssuerGiven, ISSUER_MISSING, tokenSettings } from '../core/platform/http/token-settings.ts'

const perSecond = (byDefault: number) => bounded([0.001, 10_000_000], { isWhole: false }).default(byDefault)
const burst = (byDefault: number) => count(byDefault, [1, 10_000_000])

export const GatewayConfig = z
  .object({
    ...everyService,
    GATEWAY_PORT: settings.port(3000).describe("port of the gateway, the buyers' one origin"),
    REDIS_URL: settings.REDIS_URL,
    REDIS_KEY_PREFIX: settings.REDIS_KEY_PREFIX,
    RABBITMQ_URL: settings.RABBITMQ_URL,
    ORDER_SERVICE_URL: httpBase().describe('where /orders and /payments are forwarded to'),
    ...tokenSettings,
    CURRENCY: settings.CURRENCY,
    TRUST_PROXY_HOPS: settings.TRUST_PROXY_HOPS,
    INTAKE_QUEUE_MAX_LENGTH: settings.INTAKE_QUEUE_MAX_LENGTH,
    GATEWAY_PROCESSES: z
      .union([z.literal('auto'), bounded([1, 256])], 'expected auto or a whole number from 1 to 256')
      .default('auto')
      .describe("processes that share the gateway's port; auto is one per core"),
    DEMO_MODE: settings.DEMO_MODE,
    GATEWAY_RATE_PER_SECOND: bounded([0, 10_000_000], { isWhole: false })
      .default(10_000)
      .describe(
        'purchase attempts a second that all gateways together take, per sale, of those that their own limits let through; 0 for no such limit',
      ),
    GATEWAY_BURST: burst(10_000).describe('purchase attempts that all gateways together take at once, per sale'),
    BUYER_RATE_PER_SECOND: perSecond(5).describe('purchase attempts a second of one buyer, per sale'),
    BUYER_BURST: burst(10).describe('purchase attempts of one buyer at once, per sale'),
    ADDRESS_RATE_PER_SECOND: perSecond(50).describe('purchase attempts a second from one client address, per sale'),
    ADDRESS_BURST: burst(100).describe('purchase attempts from one client address at once, per sale'),
    POLL_RATE_PER_SECOND: perSecond(200).describe(
      'requests a second that one gateway (all of its processes together) takes from one client address, of each kind: purchase attempts, reservations and orders, paying and cancelling, callbacks without a valid signature, everything else; ten times as many files of the page',
    ),
    POLL_BURST: burst(1_000).describe('requests that one gateway takes from one client address at once, of each kind'),
    SIGN_IN_RATE_PER_SECOND: perSecond(5).describe(
      'sign-ins by name a second that one gateway (all of its processes together) takes from one client address',
    ),
    SIGN_IN_BURST: burst(20).describe('sign-ins by name that one gateway takes from one client address at once'),
    TICKET_RATE_PER_SECOND: perSecond(5).describe(
      'tickets and challenges a second that one gateway (all of its processes together) gives to one client address',
    ),
    TICKET_BURST: burst(40).describe('tickets and challenges that one gateway gives to one client address at once'),
    CONNECTIONS_MAX: count(10_000, [1, 1_000_000]).describe('connections that one process holds; more are refused'),
    WATCHERS_MAX: count(5_000, [0, 1_000_000]).describe(
      'buyers who may wait in one process for what becomes of their reservation (event streams, Prefer: wait); those of one client address take at most half of them',
    ),
    WAITING_STREAMS_MAX: count(8_000, [0, 1_000_000]).describe(
      'event streams of buyers in waiting rooms in one process, other than those; further buyers ask from time to time',
    ),
    MAX_PENDING: count(10_000, [1, 10_000_000]).describe(
      "reservations of a sale, or of each of its shards, that may wait for the broker's confirm; more are BUSY",
    ),
    CONFIRM_TIMEOUT_MS: milliseconds(1_000, [10, 60_000]).describe(
      "how long a buyer's answer waits for the broker's confirm",
    ),
    RESEND_AFTER_MS: milliseconds(3_000, [100, 3_600_000]).describe(
      'unconfirmed reservations of this age are sent again; more than CONFIRM_TIMEOUT_MS',
    ),
  })
  .refine((config) => config.RESEND_AFTER_MS > config.CONFIRM_TIMEOUT_MS, {
    path: ['RESEND_AFTER_MS'],
    message: 'expected more than CONFIRM_TIMEOUT_MS',
  })
  .refine(isIssuerGiven, ISSUER_MISSING)
export type GatewayConfig = z.output<typeof GatewayConfig>

export function processCount({ GATEWAY_PROCESSES }: GatewayConfig): number {
  return GATEWAY_PROCESSES === 'auto' ? availableParallelism() : GATEWAY_PROCESSES
}
