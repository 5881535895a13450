import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { EXPORTERS, type Exporter, type Metric, METRICS } from '../core/contracts/metrics.ts'
import { INTAKE } from '../core/contracts/topology.ts'
import { ALERTS } from '../deploy/observability/alerts.ts'
import { DASHBOARDS } from '../deploy/observability/dashboards.ts'
import { isOfServer } from '../deploy/observability/exported.ts'
import { metricsIn } from '../deploy/observability/expressions.ts'
import { alertRules, times } from '../deploy/observability/rules.ts'
import { freePort } from '../dev/servers/ports.ts'
import { startPrometheus } from '../dev/servers/prometheus.ts'
import { startRedis } from '../dev/servers/redis.ts'
import type { RunningServer } from '../dev/servers/running-server.ts'
import { RunRecord } from '../dev/run-file.ts'
import { makeScratchFolder, removeScratchFolder } from '../dev/scratch-folder.ts'
import { Crowd } from './support/crowd.ts'
import { eventually } from './support/eventually.ts'
import { call } from './support/http-client.ts'
import { endWithFile } from './support/left-behind.ts'
import { makeWorld } from './support/make-world.ts'
import { slowed } from './support/patience.ts'
import { publishTo } from './support/queues.ts'
import { startProcess } from './support/service-process.ts'
import { startSystemIn, type System } from './support/start-system.ts'
import { startTcpProxy, type TcpProxy } from './support/tcp-proxy.ts'
import { shortOrLong } from './support/thoroughness.ts'

/**
 * Times of the rules: a fifth in npm test, those that are shipped in npm run test:long. A tenth is too short beside
 * other tests: a process that was too busy to answer for four seconds counted as gone.
 */
const SCALE = Number(process.env.ALERT_SCALE ?? shortOrLong(slowed(200) / 1_000, 1))
const INTERVAL = '1s'
/** Longer than any rule takes to fire, and the audit that it waits for. */
const FIRES_WITHIN_MS = 60_000 + SCALE * 600_000
/** Half of it is what IntakeStuck waits for. */
const LIFETIME_SECONDS = Math.ceil(120 * SCALE)
const SHIFT_CLOCK = new URL('support/shift-clock.mjs', import.meta.url).href

let system: System
let redis: RunningServer
let prometheusUrl = ''
let folder = ''
let record: RunRecord
/** Between each of these services and the broker. */
const brokers = {} as Record<'gateway' | 'order-service', TcpProxy>

const redisOptions = { port: 0 }
const startOwnRedis = async () => {
  redis = await startRedis({
    dataDir: join(folder, 'redis'),
    port: redisOptions.port,
    onStart: (name, id) => record.started(name, id),
  })
}

beforeAll(async () => {
  folder = await makeScratchFolder()
  record = await RunRecord.claim(folder)
  redisOptions.port = await freePort()
  await startOwnRedis()
  const world = await makeWorld({
    databaseUrl: inject('databaseUrl'),
    templateDatabase: inject('templateDatabase'),
    redisUrl: redis.url,
    rabbitmqUrl: inject('rabbitmqUrl'),
    managementUrl: inject('managementUrl'),
  })
  world.redis.on('error', () => {}) // It is stopped and started by a test.
  const broker = new URL(world.rabbitmqUrl)
  const settings = { RESERVATION_LIFETIME_SECONDS: String(LIFETIME_SECONDS) }
  system = await startSystemIn(world, settings, ['payment-provider', 'cancel-worker', 'control-room'])
  for (const name of ['order-service', 'gateway'] as const) {
    brokers[name] = await startTcpProxy({ host: broker.hostname, port: Number(broker.port) })
    await system.start(name, { RABBITMQ_URL: behind(brokers[name]) })
  }
  await system.start('subscribers')
  const prometheus = await startPrometheus({
    dataDir: join(folder, 'prometheus'),
    jobs: EXPORTERS.map((name) => ({ job: name, at: { address: `127.0.0.1:${portOf(name)}` } })),
    interval: INTERVAL,
    rules: alertRules(SCALE, INTERVAL),
    onStart: (name, id) => record.started(name, id),
  })
  prometheusUrl = prometheus.url
  await eventually('every service to be scraped', targets, (health) => health.every((each) => each === 'up'))
  endWithFile(async () => {
    await prometheus.stop()
    await redis.stop()
    await removeScratchFolder(folder)
  })
})
afterAll(async () => {
  await system.close()
  for (const broker of Object.values(brokers)) await broker.close()
})

const portOf = (name: Exporter) => String(system.env[`${name.toUpperCase().replaceAll('-', '_')}_PORT`])

function behind({ port }: TcpProxy): string {
  const url = new URL(system.world.rabbitmqUrl)
  url.port = String(port)
  return url.href
}

/** Names of the alerts that fire. */
async function firing(): Promise<string[]> {
  const { body } = await call('GET', `${prometheusUrl}/api/v1/alerts`)
  const { alerts } = body.data as { alerts: { state: string; labels: { alertname: string } }[] }
  return alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname)
}

/** Of each service that Prometheus asks. */
async function targets(): Promise<string[]> {
  const { body } = await call('GET', `${prometheusUrl}/api/v1/targets`)
  return (body.data as { activeTargets: { health: string }[] }).activeTargets.map(({ health }) => health)
}

const evaluations = async () => {
  const { text } = await call('GET', `${prometheusUrl}/metrics`)
  return Number(/^prometheus_rule_group_iterations_total\{.*\} (\d+)$/m.exec(text)?.[1] ?? 0)
}

/** Waits until the rules were evaluated so often. */
async function evaluated(times: number): Promise<void> {
  const before = await evaluations()
  await eventually('evaluations of the rules', evaluations, (now) => now >= before + times)
}

/** Buys and pays: events, effects, calls of the provider. */
async function buyAndPay(saleId: string): Promise<string> {
  const token = await system.signIn(randomUUID())
  const { body } = await system.buyUntilAvailable(saleId, token)
  const { orderId } = await system.settled(String(body.id), token)
  const { body: payment } = await call('POST', system.url(`/orders/${String(orderId)}/payments`), { token })
  await call('POST', String(payment.url), { headers: { accept: 'application/json' } })
  return String(orderId)
}

test('no alert fires in a calm sale, nor while one sells out', async () => {
  await buyAndPay(await system.createSale({ stock: 10 }))
  const saleId = await system.createSale({ stock: 40 })
  const crowd = new Crowd(system, saleId)
  await crowd.come(120)
  await system.auditAtRest(saleId)
  await evaluated(3)
  expect(await firing()).toEqual([])
})

test('each service exports the metrics that the table has for it, with no other label', async () => {
  await eventually(
    'an audit and the effects of events',
    async () => {
      const text = (await Promise.all(EXPORTERS.map(metricsOf))).join('\n')
      return ['seckill_audit_wrong{', 'seckill_subscriber_lag_seconds_bucket{'].filter((name) => !text.includes(name))
    },
    (missing) => missing.length === 0,
  )
  for (const service of EXPORTERS) {
    const text = await metricsOf(service)
    const exported = [...text.matchAll(/^# TYPE (seckill_\w+) (\w+)$/gm)].map(([, name, type]) => `${name} ${type}`)
    const expected = Object.entries<Metric>(METRICS)
      .filter(([name, { by }]) => by.includes(service) && name !== 'seckill_login_keys_age_seconds')
      .map(([name, { type }]) => `${name} ${type}`)
    expect(exported.toSorted(), service).toEqual(expected.toSorted())
    for (const [, name = '', labels = ''] of text.matchAll(/^(seckill_\w+?)(?:_bucket|_sum|_count)?\{(.*)\} \S+$/gm))
      for (const [, label = '', value = ''] of labels.matchAll(/(\w+)="([^"]*)"/g)) {
        if (label === 'service' || label === 'le') continue
        const { labels: known = {} }: Metric = METRICS[name as keyof typeof METRICS]
        const values = known[label]
        const isKnown = values === 'as configured' || values?.includes(value)
        expect(isKnown, `${name} with ${label}="${value}"`).toBe(true)
      }
  }
})

const metricsOf = async (service: Exporter) => (await call('GET', `http://127.0.0.1:${portOf(service)}/metrics`)).text

/** What breaks the system so that the alert fires. @returns what mends it */
const FAULTS: Record<string, () => Promise<() => Promise<unknown>>> = {
  /** A message that no version of the shop can read. */
  async DeadLetters() {
    await publishTo(system.world, '', INTAKE, '{"v":99}')
    return () => system.controlRoom('POST', '/dead-letters/send-back', { all: true })
  },
  /** The gateway loses the broker: reservations stay in Redis. */
  async PendingStuck() {
    const saleId = await system.createSale({ stock: 2 })
    brokers.gateway.cut()
    await system.buy(saleId, await system.signIn('pending'))
    return async () => brokers.gateway.restore()
  },
  /** The broker stays away for longer than MAX_PENDING lasts. */
  async BuyersTurnedAway() {
    const saleId = await system.createSale({ stock: 100 })
    const tokens = await Promise.all(Array.from({ length: 30 }, (_, i) => system.signIn(`turned-away-${i}`)))
    await system.stop('gateway')
    await system.start('gateway', { RABBITMQ_URL: behind(brokers.gateway), MAX_PENDING: '5' })
    brokers.gateway.cut()
    const coming = setInterval(() => {
      for (const token of tokens) void system.buy(saleId, token)
    }, 1_000)
    return async () => {
      clearInterval(coming)
      brokers.gateway.restore()
    }
  },
  /** The order service is down while reservations come. */
  async IntakeStuck() {
    const saleId = await system.createSale({ stock: 2 })
    await system.stop('order-service')
    await system.buy(saleId, await system.signIn('stuck'))
    return () => system.start('order-service', { RABBITMQ_URL: behind(brokers['order-service']) })
  },
  /** The order service loses the broker, and a buyer cancels. */
  async OutboxStuck() {
    const saleId = await system.createSale({ stock: 2 })
    const token = await system.signIn('outbox')
    const { body } = await system.buyUntilAvailable(saleId, token)
    const { orderId } = await system.settled(String(body.id), token)
    brokers['order-service'].cut()
    await call('POST', system.url(`/orders/${String(orderId)}/cancellation`), { token, body: {} })
    return async () => brokers['order-service'].restore()
  },
  /** A subscriber's process ends, and orders go on. */
  async SubscriberBehind() {
    const saleId = await system.createSale({ stock: 2 })
    await system.stop('subscribers')
    await buyAndPay(saleId)
    return () => system.start('subscribers')
  },
  /** The payment provider is down while buyers want to pay. */
  async ProviderFailing() {
    const saleId = await system.createSale({ stock: 2 })
    const token = await system.signIn('payer')
    const { body } = await system.buyUntilAvailable(saleId, token)
    const { orderId } = await system.settled(String(body.id), token)
    await system.stop('payment-provider')
    const asking = setInterval(
      () => void call('POST', system.url(`/orders/${String(orderId)}/payments`), { token }),
      1_000,
    )
    return async () => {
      clearInterval(asking)
      await system.start('payment-provider')
    }
  },
  /** The clock of the order service is a minute ahead of all others. */
  async ClocksApart() {
    await system.stop('order-service')
    const process = await startProcess('order-service', {
      ...system.env,
      NODE_OPTIONS: `--import=${SHIFT_CLOCK}`,
      CLOCK_SHIFT_MS: '60000',
    })
    return async () => {
      await process.kill()
      await system.start('order-service', { RABBITMQ_URL: behind(brokers['order-service']) })
    }
  },
  /** A unit vanishes from Redis. */
  async UnitsUnaccounted() {
    const saleId = await system.createSale({ stock: 5 })
    await system.stop('cancel-worker')
    await system.world.redis.hincrby(system.world.stock.keys.sale(saleId), 'stock', -1)
    return () => system.start('cancel-worker')
  },
  /** Redis is killed while a sale runs, and does not come back. */
  async SaleClosed() {
    await system.createSale({ stock: 5 })
    await redis.stop()
    return startOwnRedis
  },
}

test('there is a fault for each alert', () => {
  expect(Object.keys(FAULTS).toSorted()).toEqual(ALERTS.map(({ name }) => name).toSorted())
})

test.each(shortOrLong(['DeadLetters', 'PendingStuck'], Object.keys(FAULTS)))('%s fires in its fault', async (name) => {
  // An earlier fault may have set it off, too.
  await eventually(`${name} to be silent`, firing, (names) => !names.includes(name), FIRES_WITHIN_MS)
  const startedAtMs = performance.now()
  const mend = await FAULTS[name]?.()
  try {
    expect(await eventually(`${name} to fire`, firing, (names) => names.includes(name), FIRES_WITHIN_MS)).toContain(
      name,
    )
    console.info(`${name} fired after ${((performance.now() - startedAtMs) / 1_000).toFixed(0)} s, times × ${SCALE}`)
  } finally {
    await mend?.()
  }
})

// Last: some series exist only once there was a dead letter.
test('Prometheus has every metric that an alert or a panel asks for, and understands every expression', async () => {
  const { body } = await call('GET', `${prometheusUrl}/api/v1/label/__name__/values`)
  const names = new Set(body.data as string[])
  const expressions = [
    ...ALERTS.map(({ expr }) => expr(times())),
    ...DASHBOARDS.flatMap(({ panels }) => panels.flatMap(({ queries }) => queries.map(([expr]) => expr))),
  ]
  for (const expr of expressions) {
    const query = expr.replaceAll('$__rate_interval', '1m').replaceAll('$__range', '5m')
    const answer = await call('GET', `${prometheusUrl}/api/v1/query?query=${encodeURIComponent(query)}`)
    expect(answer.body, expr).toMatchObject({ status: 'success' })
    const asked = metricsIn(expr).map(({ name }) => name)
    const isElsewhere = (name: string) => isOfServer(name) || /^k6_|^seckill_login_keys_age_seconds$/.test(name)
    expect(
      asked.filter((name) => !names.has(name) && !isElsewhere(name)),
      expr,
    ).toEqual([])
  }
})
