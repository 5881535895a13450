import { randomBytes } from 'node:crypto'
import { addressesOf, SERVICES, variable } from '../../dev/services.ts'
import { freePort } from '../../dev/servers/ports.ts'

/**
 * How the bench's system differs from the services' defaults. Every check stays on; the limits are only so wide that a
 * crowd from one address meets none. Queues hold what builds up while the order service is stopped.
 */
export const SETTINGS = {
  DEMO_MODE: 'true',
  HOST: '127.0.0.1',
  LOG_LEVEL: 'info',
  GATEWAY_RATE_PER_SECOND: '1000000',
  GATEWAY_BURST: '1000000',
  BUYER_RATE_PER_SECOND: '1000000',
  BUYER_BURST: '1000000',
  ADDRESS_RATE_PER_SECOND: '1000000',
  ADDRESS_BURST: '1000000',
  POLL_RATE_PER_SECOND: '1000000',
  POLL_BURST: '1000000',
  INTAKE_QUEUE_MAX_LENGTH: '1000000',
  RESERVATION_LIFETIME_SECONDS: '600',
} as const

/** The gateways that run side by side; those that are not asked cost nothing that could be measured. */
export const GATEWAYS = {
  gateway: { GATEWAY_PROCESSES: '1' },
  'gateway, two processes': { GATEWAY_PROCESSES: '2' },
  'gateway, Express only': { GATEWAY_PROCESSES: '1' },
  'gateway, strict limits': { GATEWAY_PROCESSES: '1', BUYER_RATE_PER_SECOND: '1', BUYER_BURST: '1' },
} as const
export type GatewayName = keyof typeof GATEWAYS

/** `full`: as fast as it can. `steady`: at its default rate. */
export const ORDER_SPEEDS = { full: { ORDERS_PER_SECOND: '1000000' }, steady: {} } as const
export type OrderSpeed = keyof typeof ORDER_SPEEDS

/** The services' environment, without the servers' URLs. Of ours only what a process needs to run is taken over. */
export async function benchEnvironment(): Promise<Record<string, string>> {
  const secret = () => randomBytes(24).toString('base64url')
  const ports = Object.fromEntries(
    await Promise.all(SERVICES.map(async ({ name }) => [variable(name, 'PORT'), String(await freePort())] as const)),
  )
  const addresses = await addressesOf(SERVICES, ports)
  return {
    ...SETTINGS,
    ...addresses,
    PUBLIC_URL: addresses.GATEWAY_URL ?? '',
    PATH: process.env.PATH ?? '',
    TOKEN_SECRET: secret(),
    PAYMENT_SECRET: secret(),
    ADMIN_TOKEN: secret(),
  }
}
