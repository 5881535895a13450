import { intakeTopology } from '../core/contracts/topology.ts'
import { startHttp } from '../core/platform/http/http-service.ts'
import { Loops } from '../core/platform/process/loops.ts'
import { metricsAccess } from '../core/platform/http/metrics-access.ts'
import { clockCheck, showClockOffset } from '../core/platform/stores/clock-check.ts'
import { createMetrics } from '../core/platform/process/metrics.ts'
import { clusterBuckets } from '../core/platform/limits/cluster-buckets.ts'
import { requestTurns } from '../core/platform/http/request-turns.ts'
import { createPublisher } from '../core/platform/rabbit/publisher.ts'
import { reachable } from '../core/platform/http/reachable.ts'
import { COMMAND_TIMEOUT_MS, connectRedis, waitForRedis } from '../core/platform/stores/redis.ts'
import { redisCheck, refuseUnfitRedis } from '../core/platform/stores/redis-check.ts'
import { PROCESSES, showLimits } from '../core/platform/process/shown-limits.ts'
import type { StartService } from '../core/platform/process/service.ts'
import { startTokens } from '../core/platform/http/start-tokens.ts'
import { LedgersInTurn } from '../core/stock/ledgers-in-turn.ts'
import { Moves } from '../core/stock/moves.ts'
import { ledgerRights } from '../core/stock/rights.ts'
import type { SaleFigures } from '../core/stock/sale-figures.ts'
import { ledgersOf } from '../core/stock/shards.ts'
import { readTicketFacts } from '../core/stock/ticket-facts.ts'
import { EPOCHS_INTERVAL_MS, leaveStalePrimary } from '../core/stock/stale-primary.ts'
import { Stock } from '../core/stock/stock.ts'
import { WaitingRoom } from '../core/waiting-room/waiting-room.ts'
import { type BuyDeps, buyHandler, inFrontOfExpress } from './buy.ts'
import { OTHERS_MAX, startCatalogue } from './catalogue.ts'
import { Changes } from './changes.ts'
import { type GatewayConfig, processCount } from './config.ts'
import { balanceShards, drawWhenDry } from './draw-units.ts'
import { readEpochs } from './epochs.ts'
import { countOutcomes, countTickets, countWatchers, measureAccepting } from './metrics.ts'
import { createProofOfWork } from './opening/proof-of-work.ts'
import type { TicketDeps } from './opening/give-tickets.ts'
import { createTickets } from './opening/tickets.ts'
import { publishInBatches } from './publish-in-batches.ts'
import { rememberRefusals } from './remembered-refusals.ts'
import { reserveInBatches } from './reserve-in-batches.ts'
import { resendPending } from './resend-pending.ts'
import { FORWARDING } from './routes/forward.ts'
import { addressBuckets, addressLimit } from './routes/limit.ts'
import { mountRoutes } from './routes/mount-routes.ts'
import { SoldOut } from './sold-out.ts'
import { createAdmissions } from './waiting-room/admissions.ts'
import { WaitingBuyers } from './waiting-room/waiting-buyers.ts'
import { WatchedReservations } from './watched-reservations.ts'

const RESEND_INTERVAL_MS = 500
const SUBSCRIBE_INTERVAL_MS = 1_000
const BALANCE_INTERVAL_MS = 1_000
const SALES_STALE = {
  code: 'SALES_STALE',
  detail: 'The sales have not been read from Redis for 5 s; the log says why.',
}

/**
 * The light side: limits, eligibility, reserve, enqueue, answer. It uses memory, Redis and the broker only.
 */
export const startGateway: StartService<GatewayConfig> = async ({ config, log, closers }) => {
  const metrics = createMetrics('gateway')
  const redis = connectRedis(config.REDIS_URL, log)
  closers.add('redis', () => redis.disconnect())
  await waitForRedis(redis, log)
  await refuseUnfitRedis(redis, config.NODE_ENV, log)
  const stock = new Stock(redis, config.REDIS_KEY_PREFIX)
  const loops = new Loops(log, metrics)
  const catalogue = startCatalogue(stock, loops)
  closers.add('catalogue', () => catalogue.close())
  const publisher = await createPublisher({
    url: config.RABBITMQ_URL,
    name: 'gateway',
    log,
    metrics,
    topology: intakeTopology(config.INTAKE_QUEUE_MAX_LENGTH),
    confirmTimeoutMs: config.CONFIRM_TIMEOUT_MS,
  })
  closers.add('publisher', () => publisher.close())

  const pubSub = connectRedis(config.REDIS_URL, log)
  closers.add('changes connection', () => pubSub.disconnect())
  await waitForRedis(pubSub, log)
  const changes = new Changes(pubSub, stock.keys.changes())
  changes.subscribe({
    amended: (saleId) => catalogue.readAgain(saleId),
    disconnected: () => catalogue.readAgain(),
  })
  const soldOut = new SoldOut(stock, changes, log)
  const watched = new WatchedReservations(stock, changes, log, config.WATCHERS_MAX)
  const room = new WaitingRoom(redis, config.REDIS_KEY_PREFIX)
  const admissions = createAdmissions(config.TOKEN_SECRET)
  const waiting = new WaitingBuyers({ room, catalogue, admissions, log, streamsMax: config.WAITING_STREAMS_MAX })
  // Retried when refused or cut off; meanwhile watchers are served by polling.
  const subscribing = loops.repeat('subscribe to changes', SUBSCRIBE_INTERVAL_MS, () => changes.connect())
  closers.add('subscription to changes', () => subscribing.close())
  pubSub.on('ready', () => subscribing.soon())

  const epochs = loops.repeat(
    'epochs',
    EPOCHS_INTERVAL_MS,
    leaveStalePrimary({
      stock,
      readEpochs: readEpochs(config.ORDER_SERVICE_URL, catalogue, log),
      connections: [redis, pubSub],
      log,
    }),
  )
  closers.add('epochs', () => epochs.close())

  const publishing = { stock, publisher, log, confirmTimeoutMs: config.CONFIRM_TIMEOUT_MS }
  const publish = publishInBatches(publishing)
  const turns = new LedgersInTurn(stock.loaded, () => catalogue.near().flatMap(ledgersOfSale), OTHERS_MAX)
  const resender = loops.repeat('resend pending', RESEND_INTERVAL_MS, () =>
    resendPending(publishing, publish, config.RESEND_AFTER_MS, turns),
  )
  closers.add('resender', () => resender.close())

  const moves = new Moves(redis, config.REDIS_KEY_PREFIX)
  const balancing = loops.repeat('balance shards', BALANCE_INTERVAL_MS, () =>
    balanceShards({ moves, log }, catalogue.near(), catalogue.clockMs()),
  )
  closers.add('balancing of shards', () => balancing.close())

  const { tokens, checks: loginCheck } = startTokens({ config, log, closers }, metrics)
  const count = countOutcomes(metrics)
  const { CONNECTIONS_MAX, GATEWAY_RATE_PER_SECOND, GATEWAY_BURST, INTAKE_QUEUE_MAX_LENGTH } = config
  const limits = { CONNECTIONS_MAX, GATEWAY_RATE_PER_SECOND, GATEWAY_BURST, INTAKE_QUEUE_MAX_LENGTH }
  showLimits(metrics, { ...limits, [PROCESSES]: 1 })
  const deps: BuyDeps = {
    tokens,
    catalogue,
    soldOut,
    tickets: createTickets(config.TOKEN_SECRET),
    stock,
    publish,
    watched,
    admissions,
    waiting,
    log,
    count,
    acceptedIn: measureAccepting(metrics),
    ...reserveWithinLimits(stock, moves, config),
  }
  const buy = buyHandler(deps)
  const ticketDeps: TicketDeps = {
    catalogue,
    tickets: deps.tickets,
    proofOfWork: createProofOfWork(config.TOKEN_SECRET),
    readFacts: (sale, buyerId, address) => readTicketFacts(redis, stock.keys, sale, buyerId, address),
    count: countTickets(metrics),
  }
  const requests = requestTurns(FORWARDING, metrics)
  const readRedisClock = () => stock.clock.read()
  showClockOffset(metrics, readRedisClock)
  const http = await startHttp({
    host: config.HOST,
    port: config.GATEWAY_PORT,
    log,
    metrics,
    metricsAccess: metricsAccess(config),
    trustProxyHops: config.TRUST_PROXY_HOPS,
    connectionsMax: config.CONNECTIONS_MAX,
    // The broker is not among them: buyers reserve while it is away, up to MAX_PENDING.
    checks: {
      redis: redisCheck(redis, ledgerRights(config.REDIS_KEY_PREFIX)),
      sales: () => catalogue.isFresh() || SALES_STALE,
      clock: clockCheck('Redis', readRedisClock, config.TOKEN_CLOCK_SKEW_SECONDS * 1_000),
      loops: () => loops.check(),
      orders: reachable(
        'ORDER_SERVICE_URL',
        config.ORDER_SERVICE_URL,
        'meanwhile orders and payments are answered 503',
      ),
      ...loginCheck,
    },
    shortcut: inFrontOfExpress(buy),
    refusesMissingInFront: true,
    limit: addressLimit(addressBuckets(config, clusterBuckets(processCount(config))), () => count('RATE_LIMITED')),
    routes: (app) => mountRoutes(app, config, { ...deps, room, waiting, turns: requests }, buy, ticketDeps),
  })
  closers.add('http', () => http.close())
  // Closed first: an open stream would keep its connection from being closed.
  closers.add('watched reservations', () => watched.close())
  closers.add('waiting buyers', () => waiting.close())
  countWatchers(metrics, watched, waiting)
  return { port: http.port }
}

const ledgersOfSale = ({ saleId, shards }: SaleFigures) => ledgersOf(saleId, shards)

function reserveWithinLimits(stock: Stock, moves: Moves, config: GatewayConfig): Pick<BuyDeps, 'reserve' | 'recall'> {
  const sale =
    config.GATEWAY_RATE_PER_SECOND === 0
      ? undefined
      : { ratePerSecond: config.GATEWAY_RATE_PER_SECOND, burst: config.GATEWAY_BURST }
  const reserve = reserveInBatches(stock, {
    buyer: { ratePerSecond: config.BUYER_RATE_PER_SECOND, burst: config.BUYER_BURST },
    address: { ratePerSecond: config.ADDRESS_RATE_PER_SECOND, burst: config.ADDRESS_BURST },
    sale,
    maxPending: config.MAX_PENDING,
    patienceMs: COMMAND_TIMEOUT_MS,
  })
  return rememberRefusals(drawWhenDry(reserve, moves), sale)
}
