import { randomBytes } from 'node:crypto'
import type { z } from 'zod'
import { startCancelWorker } from '../../cancel-worker/cancel-worker.ts'
import { CancelWorkerConfig } from '../../cancel-worker/config.ts'
import { ControlRoomConfig } from '../../control-room/config.ts'
import { startControlRoom } from '../../control-room/control-room.ts'
import type { Opening } from '../../core/contracts/opening.ts'
import type { AuditReport } from '../../core/audit/report.ts'
import { Closers } from '../../core/platform/process/closers.ts'
import { parseConfig } from '../../core/platform/process/config.ts'
import { createLog } from '../../core/platform/process/log.ts'
import type { StartService } from '../../core/platform/process/service.ts'
import { freePort } from '../../dev/servers/ports.ts'
import { startGateway } from '../../gateway/gateway.ts'
import { GatewayConfig } from '../../gateway/config.ts'
import { OrderServiceConfig } from '../../order-service/config.ts'
import { startOrderService } from '../../order-service/order-service.ts'
import { PaymentProviderConfig } from '../../payment-provider/config.ts'
import { startPaymentProvider } from '../../payment-provider/payment-provider.ts'
import { SubscribersConfig } from '../../subscribers/runtime/config.ts'
import { startSubscribers } from '../../subscribers/runtime/start-subscribers.ts'
import { eventually } from './eventually.ts'
import { type Answer, call, callUntilAvailable } from './http-client.ts'
import { slowed, slowedSeconds } from './patience.ts'
import type { World } from './make-world.ts'

const services = {
  'payment-provider': { schema: PaymentProviderConfig, start: startPaymentProvider },
  'order-service': { schema: OrderServiceConfig, start: startOrderService },
  'cancel-worker': { schema: CancelWorkerConfig, start: startCancelWorker },
  'control-room': { schema: ControlRoomConfig, start: startControlRoom },
  gateway: { schema: GatewayConfig, start: startGateway },
  subscribers: { schema: SubscribersConfig, start: startSubscribers },
} as const
export type ServiceName = keyof typeof services
const ALL = Object.keys(services) as ServiceName[]
/** The shop works without subscribers: only tests about them start them. */
const SHOP = ALL.filter((name) => name !== 'subscribers')

/** The whole system in this process, on a world of its own. */
export interface System {
  world: World
  env: NodeJS.ProcessEnv
  url: (path: string) => string
  start: (
    service: ServiceName,
    overrides?: Record<string, string>,
  ) => Promise<{ stop: () => Promise<void>; port: number }>
  stop: (service: ServiceName) => Promise<void>
  /** Creates a sale, open by default. @returns its id */
  createSale: (sale?: {
    title?: string
    priceCents?: number
    stock?: number
    perBuyerLimit?: number
    opening?: z.input<typeof Opening>
    shards?: number
    opensInMs?: number
    closesInMs?: number
  }) => Promise<string>
  controlRoom: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>
  signIn: (name: string) => Promise<string>
  buy: (saleId: string, token: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>
  /** Like `buy`, with retries on 503 UNAVAILABLE. For crowds. */
  buyUntilAvailable: System['buy']
  /** Waits for the reservation to reach one of these statuses. */
  settled: (reservationId: string, token: string, statuses?: string[]) => Promise<Answer['body']>
  /** Waits until the system is quiet, and returns the audit of one sale, or of all. */
  auditAtRest: (saleId?: string) => Promise<AuditReport>
  close: () => Promise<void>
}

/**
 * Generous rate limits, long lifetimes and short intervals, so that a test meets only the rule that it is about. Four
 * systems share two cores: sweeps of five a second took them a fifth of one, half a second apart they take half of
 * that.
 */
const testSettings = () => ({
  LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'silent',
  HOST: '127.0.0.1',
  DEMO_MODE: 'true',
  BUYER_RATE_PER_SECOND: '100000',
  BUYER_BURST: '100000',
  ADDRESS_RATE_PER_SECOND: '100000',
  ADDRESS_BURST: '100000',
  GATEWAY_RATE_PER_SECOND: '100000',
  GATEWAY_BURST: '100000',
  POLL_RATE_PER_SECOND: '100000',
  POLL_BURST: '100000',
  SIGN_IN_RATE_PER_SECOND: '100000',
  SIGN_IN_BURST: '100000',
  TICKET_RATE_PER_SECOND: '100000',
  TICKET_BURST: '100000',
  RESERVATION_LIFETIME_SECONDS: '3600',
  SAGA_SECONDS: '3600',
  SWEEP_INTERVAL_SECONDS: '0.5',
  SWEEP_GRACE_SECONDS: slowedSeconds(2),
  REQUEST_WAIT_MS_MAX: '60000',
  RESEND_AFTER_MS: String(slowed(600)),
  CONFIRM_TIMEOUT_MS: String(slowed(500)),
})

export async function startSystemIn(
  world: World,
  settings: Record<string, string> = {},
  which: ServiceName[] = SHOP,
): Promise<System> {
  const ports = new Map(await Promise.all(ALL.map(async (name) => [name, await freePort()] as const)))
  const origin = (name: ServiceName) => `http://127.0.0.1:${ports.get(name)}`
  const secret = () => randomBytes(24).toString('hex')
  const tokenSecret = secret()
  const env: NodeJS.ProcessEnv = {
    ...testSettings(),
    DATABASE_URL: world.databaseUrl,
    REDIS_URL: world.redisUrl,
    RABBITMQ_URL: world.rabbitmqUrl,
    REDIS_KEY_PREFIX: world.keyPrefix,
    TOKEN_SECRET: tokenSecret,
    CROWD_TOKEN_SECRET: tokenSecret,
    PAYMENT_SECRET: secret(),
    ADMIN_TOKEN: secret(),
    GATEWAY_URL: origin('gateway'),
    PUBLIC_URL: origin('gateway'),
    ORDER_SERVICE_URL: origin('order-service'),
    PAYMENT_PROVIDER_URL: origin('payment-provider'),
    ...Object.fromEntries(
      ALL.map((name) => [`${name.toUpperCase().replaceAll('-', '_')}_PORT`, String(ports.get(name))]),
    ),
    ...settings,
  }
  const running = new Map<ServiceName, { stop: () => Promise<void>; port: number }>()

  const system: System = {
    world,
    env,
    url: (path) => origin('gateway') + path,
    async start(name, overrides = {}) {
      const started = await startInProcess(name, { ...env, ...overrides })
      running.set(name, started)
      return started
    },
    async stop(name) {
      await running.get(name)?.stop()
      running.delete(name)
    },
    async createSale({
      title = 'A test sale',
      priceCents = 1_000,
      stock = 10,
      perBuyerLimit = 1,
      opening = {},
      shards = 1,
      opensInMs = -1_000,
      closesInMs = 3_600_000,
    } = {}) {
      const id = `sale-${randomBytes(4).toString('hex')}`
      const [opensAt, closesAt] = [opensInMs, closesInMs].map((inMs) => new Date(Date.now() + inMs).toISOString())
      const body = { id, title, priceCents, stock, perBuyerLimit, opening, shards, opensAt, closesAt }
      const answer = await callUntilAvailable('POST', `${origin('control-room')}/sales`, {
        token: env.ADMIN_TOKEN,
        body,
      })
      // An attempt that was answered UNAVAILABLE may have created it.
      if (answer.status !== 201 && answer.body.code !== 'SALE_EXISTS')
        throw new Error(`Creating a sale: expected 201, got ${JSON.stringify(answer)}`)
      // Then the cancel worker brings it into Redis, and until it has, buyers are told that there is no such sale.
      await eventually(
        `${id} to be in Redis`,
        () => world.stock.readSale(id).catch(() => undefined),
        (sale) => sale !== undefined,
      )
      return id
    },
    controlRoom: (method, path, body, headers = {}) =>
      call(method, origin('control-room') + path, {
        token: env.ADMIN_TOKEN,
        body,
        // A change of any version, unless a test is about versions.
        headers: { ...(method === 'PATCH' && { 'if-match': '*' }), ...headers },
      }),
    async signIn(name) {
      const answer = await call('POST', system.url('/sessions'), { body: { name } })
      return String(answer.body.token)
    },
    buy: (saleId, token, body = {}, headers = {}) =>
      call('POST', system.url(`/sales/${saleId}/reservations`), { token, body, headers }),
    buyUntilAvailable: (saleId, token, body = {}, headers = {}) =>
      callUntilAvailable('POST', system.url(`/sales/${saleId}/reservations`), { token, body, headers }),
    async settled(reservationId, token, statuses = ['ORDERED', 'PAID', 'CANCELLED', 'REJECTED']) {
      const answer = await eventually(
        `${reservationId} to be one of ${statuses.join()}`,
        () => call('GET', system.url(`/reservations/${reservationId}`), { token }),
        ({ body }) => statuses.includes(String(body.status)),
      )
      return answer.body
    },
    async auditAtRest(saleId) {
      const path = saleId === undefined ? '/audit' : `/audit?sale=${saleId}`
      const answer = await eventually(
        'the audit to be quiet',
        () => system.controlRoom('GET', path),
        ({ body }) => body.quiet === true,
      )
      return answer.body as unknown as AuditReport
    },
    async close() {
      for (const name of [...running.keys()].reverse()) await system.stop(name)
      await world.close()
    },
  }
  for (const name of which) await system.start(name)
  for (const name of which)
    await eventually(
      `${name} to be ready`,
      () => fetch(`${origin(name)}/readyz`).then((answer) => answer.status),
      (status) => status === 200,
    )
  return system
}

async function startInProcess(
  name: ServiceName,
  env: NodeJS.ProcessEnv,
): Promise<{ stop: () => Promise<void>; port: number }> {
  const { schema, start } = services[name]
  const log = createLog(name, env.LOG_LEVEL ?? 'silent')
  const closers = new Closers(log)
  // Each schema belongs to its start function, which the type of the table cannot express.
  const { port } = await (start as StartService<unknown>)({ config: parseConfig(schema, env), log, closers })
  return { port, stop: () => closers.closeAll() }
}
