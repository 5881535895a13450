import { setTimeout as delay } from 'node:timers/promises'
import type { Registry } from 'prom-client'
import { EVENT_CONFIRM_MS_MAX, INTAKE, eventTopology, intakeTopology, merge } from '../core/contracts/topology.ts'
import { clockCheck, showClockOffset } from '../core/platform/stores/clock-check.ts'
import { connectDatabase } from '../core/platform/stores/connect-database.ts'
import { type Database, isDataError } from '../core/platform/stores/database.ts'
import { databaseAnswers, databaseCheck } from '../core/platform/stores/database-check.ts'
import { startHttp } from '../core/platform/http/http-service.ts'
import { requestTurns } from '../core/platform/http/request-turns.ts'
import { Loops } from '../core/platform/process/loops.ts'
import { metricsAccess } from '../core/platform/http/metrics-access.ts'
import { createMetrics } from '../core/platform/process/metrics.ts'
import { type BatchConsumer, consumeBatches } from '../core/platform/rabbit/batch-consumer.ts'
import { chooseDelayLater } from '../core/platform/rabbit/delay.ts'
import { createPublisher, type Publisher } from '../core/platform/rabbit/publisher.ts'
import { reachable } from '../core/platform/http/reachable.ts'
import type { Repeating } from '../core/platform/process/repeat.ts'
import { connectRedis, waitForRedis } from '../core/platform/stores/redis.ts'
import { redisCheck, refuseUnfitRedis } from '../core/platform/stores/redis-check.ts'
import { PROCESSES, showLimits } from '../core/platform/process/shown-limits.ts'
import type { Context, StartService } from '../core/platform/process/service.ts'
import { SIGNATURE_TOLERANCE_SECONDS } from '../core/platform/http/signature.ts'
import { startTokens } from '../core/platform/http/start-tokens.ts'
import { ledgerRights } from '../core/stock/rights.ts'
import { nearEpochs } from '../core/rebuild/sales-in-turn.ts'
import { EPOCHS_INTERVAL_MS, leaveStalePrimary } from '../core/stock/stale-primary.ts'
import { Stock } from '../core/stock/stock.ts'
import { DATABASE_CONNECTIONS, type OrderServiceConfig, turnLimits } from './config.ts'
import { orderRoutes } from './http/routes.ts'
import { countCalls, placingMetrics, refusalAlarm } from './metrics.ts'
import { chooseProvider } from './payments/choose-provider.ts'
import { startRefunds } from './payments/send-refunds.ts'
import { createPlacer, readReservations } from './place-batch.ts'
import { type RelayDeps, relayOutbox } from './relay-outbox.ts'

/** The relay runs as soon as this process writes to the outbox; the interval is for what other services wrote. */
const RELAY_INTERVAL_MS = 200
/** After a run that published: events that come meanwhile share a transaction and messages. */
const RELAY_PAUSE_MS = 100
const REFUND_INTERVAL_MS = 1_000

interface Parts extends Context<OrderServiceConfig> {
  metrics: Registry
  loops: Loops
  database: Database
  stock: Stock
}

/** The heavy side: places orders at its own steady rate, relays the outbox, serves orders and payments over HTTP. */
export const startOrderService: StartService<OrderServiceConfig> = async ({ config, log, closers }) => {
  const metrics = createMetrics('order-service')
  const provider = countCalls(metrics, chooseProvider(config))
  showLimits(metrics, { ORDERS_PER_SECOND: config.ORDERS_PER_SECOND, [PROCESSES]: 1 })
  const database = connectDatabase(config.DATABASE_URL, {
    connections: DATABASE_CONNECTIONS,
    statementTimeoutMs: 5_000,
  })
  closers.add('database', () => database.$disconnect())
  const redis = connectRedis(config.REDIS_URL, log)
  closers.add('redis', () => redis.disconnect())
  await waitForRedis(redis, log)
  await refuseUnfitRedis(redis, config.NODE_ENV, log)
  const stock = new Stock(redis, config.REDIS_KEY_PREFIX)
  const loops = new Loops(log, metrics)
  const epochs = loops.repeat(
    'epochs',
    EPOCHS_INTERVAL_MS,
    leaveStalePrimary({ stock, readEpochs: () => nearEpochs(database), connections: [redis], log }),
  )
  closers.add('epochs', () => epochs.close())

  const parts: Parts = { config, log, closers, metrics, loops, database, stock }
  const { publisher, relay } = await startRelay(parts)
  const consumer = await startPlacing(parts, relay)
  const refunds = startRefunds({ database, provider, log }, loops, REFUND_INTERVAL_MS)
  closers.add('refunds', () => refunds.close())

  const { tokens, checks: loginCheck } = startTokens({ config, log, closers }, metrics)
  const turns = requestTurns(turnLimits(config), metrics)
  const readRedisClock = () => stock.clock.read()
  showClockOffset(metrics, readRedisClock)
  const http = await startHttp({
    host: config.HOST,
    port: config.ORDER_SERVICE_PORT,
    log,
    metrics,
    metricsAccess: metricsAccess(config),
    isCallerTrusted: true,
    onLeft: turns.onLeft,
    checks: {
      database: () => databaseCheck(database),
      redis: redisCheck(redis, ledgerRights(config.REDIS_KEY_PREFIX)),
      broker: () => publisher.isReady() && consumer.isUp(),
      clock: clockCheck('Redis', readRedisClock, SIGNATURE_TOLERANCE_SECONDS * 1_000),
      loops: () => loops.check(),
      provider: reachable(
        'PAYMENT_PROVIDER_URL',
        config.PAYMENT_PROVIDER_URL,
        'meanwhile buyers get no payment link, and refunds wait',
      ),
      ...loginCheck,
    },
    routes: orderRoutes({
      database,
      stock,
      provider,
      currency: config.CURRENCY,
      log,
      tokens,
      turns,
      onChange: relay.soon,
    }),
  })
  closers.add('http', () => http.close())
  return { port: http.port }
}

const paymentWindowMs = (config: OrderServiceConfig) => Math.round(config.PAYMENT_WINDOW_SECONDS * 1_000)

/** The publisher, and the loop that publishes the outbox through it. */
async function startRelay(parts: Parts): Promise<{ publisher: Publisher; relay: Repeating }> {
  const { config, log, closers, metrics, loops, database } = parts
  const transport = chooseDelayLater(config.RABBITMQ_URL, config.DELAY_TRANSPORT, paymentWindowMs(config), log)
  const publisher = await createPublisher({
    url: config.RABBITMQ_URL,
    name: 'order-service publisher',
    log,
    metrics,
    confirmTimeoutMs: EVENT_CONFIRM_MS_MAX,
    topology: async () => merge(eventTopology, await transport.choose()),
  })
  closers.add('publisher', () => publisher.close())
  const relaying: RelayDeps = { database, publisher, delay: transport, onRefused: refusalAlarm(metrics, log) }
  const relay = loops.repeat('outbox relay', RELAY_INTERVAL_MS, async () => {
    let outcome = await relayOutbox(relaying)
    while (outcome === 'MORE') outcome = await relayOutbox(relaying)
    if (outcome === 'DONE') await delay(RELAY_PAUSE_MS)
  })
  closers.add('outbox relay', () => relay.close())
  return { publisher, relay }
}

/** The consumer of reservations, which places them as orders. */
async function startPlacing(parts: Parts, relay: Repeating): Promise<BatchConsumer> {
  const { config, log, closers, metrics, database, stock } = parts
  const countVerdicts = placingMetrics(metrics)
  const placer = createPlacer({
    database,
    stock,
    log,
    rules: {
      reservationLifetimeMs: config.RESERVATION_LIFETIME_SECONDS * 1_000,
      paymentWindowMs: paymentWindowMs(config),
      sagaMs: config.SAGA_SECONDS * 1_000,
    },
    onPlaced: (verdicts) => {
      countVerdicts(verdicts)
      relay.soon()
    },
  })
  closers.add('placer', () => placer.close())
  const consumer = await consumeBatches({
    url: config.RABBITMQ_URL,
    name: 'order-service consumer',
    log,
    metrics,
    topology: intakeTopology(config.INTAKE_QUEUE_MAX_LENGTH),
    queue: INTAKE,
    // A quarter of a second's worth at most; larger batches would turn a slow rate into bursts.
    batchMax: Math.min(config.ORDER_BATCH_MAX, Math.ceil(config.ORDERS_PER_SECOND / 4)),
    itemsPerSecond: config.ORDERS_PER_SECOND,
    unpack: readReservations,
    handle: placer.place,
    isFutile: isDataError,
    isAway: async () => !(await databaseAnswers(database)),
  })
  closers.add('consumer', () => consumer.close())
  return consumer
}
