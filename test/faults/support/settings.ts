import { randomBytes } from 'node:crypto'
import { freePort } from '../../../dev/servers/ports.ts'
import { slowed, slowedSeconds } from '../../support/patience.ts'
import { variable } from '../../../dev/services.ts'
import type { ServerName } from './servers.ts'

/** The instances: name, service and servers. Services that may run several times run twice. */
export const INSTANCES = [
  { name: 'payment-provider', service: 'payment-provider', servers: [] },
  { name: 'control-room', service: 'control-room', servers: [] },
  { name: 'cancel-worker', service: 'cancel-worker', servers: ['postgres', 'redis', 'rabbitmq'] },
  { name: 'subscribers-1', service: 'subscribers', servers: ['postgres', 'redis', 'rabbitmq'] },
  { name: 'subscribers-2', service: 'subscribers', servers: ['postgres', 'redis', 'rabbitmq'] },
  { name: 'order-service-1', service: 'order-service', servers: ['postgres', 'redis', 'rabbitmq'] },
  { name: 'order-service-2', service: 'order-service', servers: ['postgres', 'redis', 'rabbitmq'] },
  { name: 'gateway-1', service: 'gateway', servers: ['redis', 'rabbitmq'] },
  { name: 'gateway-2', service: 'gateway', servers: ['redis', 'rabbitmq'] },
] as const satisfies { name: string; service: string; servers: ServerName[] }[]
export type AnyInstance = (typeof INSTANCES)[number]
export type InstanceName = AnyInstance['name']

/** Buying does not need subscribers: tests that are not about them start without, some seconds sooner. */
export const SHOP_ALONE: readonly AnyInstance[] = INSTANCES.filter(({ service }) => service !== 'subscribers')

/**
 * Everything that takes minutes in a shop takes seconds here, so that a round sees all of it: reservations expire,
 * orders lapse, sweepers come by, and a late payment is late. On a slow machine it takes as much longer as buyers do.
 */
const shortLives = () => ({
  PAYMENT_WINDOW_SECONDS: slowedSeconds(4),
  RESERVATION_LIFETIME_SECONDS: slowedSeconds(8),
  SWEEP_GRACE_SECONDS: slowedSeconds(1.5),
  SAGA_SECONDS: slowedSeconds(3),
  CONFIRM_TIMEOUT_MS: String(slowed(500)),
  RESEND_AFTER_MS: String(slowed(1_000)),
  REQUEST_WAIT_MS_MAX: String(slowed(1_500)),
})

/** Rate limits that no buyer reaches. */
const SETTINGS = {
  LOG_LEVEL: 'info',
  HOST: '127.0.0.1',
  DEMO_MODE: 'true',
  GATEWAY_PROCESSES: '1',
  REDIS_KEY_PREFIX: 'seckill:',
  SWEEP_INTERVAL_SECONDS: '0.5',
  BUYER_RATE_PER_SECOND: '100000',
  BUYER_BURST: '100000',
  ADDRESS_RATE_PER_SECOND: '100000',
  ADDRESS_BURST: '100000',
  GATEWAY_RATE_PER_SECOND: '100000',
  GATEWAY_BURST: '100000',
  POLL_RATE_PER_SECOND: '100000',
  POLL_BURST: '100000',
  // Two partitions are enough for orders to overtake each other. Who buys in round after round is no robot.
  SUBSCRIBER_PARTITIONS: '2',
  RISK_PAID_PER_MINUTE_MAX: '1000',
  SMS_LOG_FILE: '/dev/null',
} as const

/** The environment of all instances but for the servers, and where each answers. */
export async function environment(
  overrides: Record<string, string>,
): Promise<{ env: Record<string, string>; ports: Record<InstanceName, number> }> {
  const ports = Object.fromEntries(
    await Promise.all(INSTANCES.map(async ({ name }) => [name, await freePort()] as const)),
  ) as Record<InstanceName, number>
  const secret = () => randomBytes(24).toString('hex')
  const origin = (name: InstanceName) => `http://127.0.0.1:${ports[name]}`
  return {
    ports,
    env: {
      ...SETTINGS,
      ...shortLives(),
      PATH: process.env.PATH ?? '',
      TOKEN_SECRET: secret(),
      PAYMENT_SECRET: secret(),
      ADMIN_TOKEN: secret(),
      PUBLIC_URL: origin('gateway-1'),
      PAYMENT_PROVIDER_URL: origin('payment-provider'),
      PAYMENT_PAGE_URL: origin('payment-provider'),
      ...overrides,
    },
  }
}

/** Settings per instance: its port, and for each gateway its order service. */
export function ownSettings(name: InstanceName, ports: Record<InstanceName, number>): Record<string, string> {
  const service = INSTANCES.find((instance) => instance.name === name)?.service ?? name
  const orderService = name === 'gateway-2' ? ports['order-service-2'] : ports['order-service-1']
  return {
    [variable(service, 'PORT')]: String(ports[name]),
    ...(service === 'gateway' ? { ORDER_SERVICE_URL: `http://127.0.0.1:${orderService}` } : {}),
  }
}
