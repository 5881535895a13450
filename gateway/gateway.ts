import type { Express } from 'express'
import { Counter } from 'prom-client'
import swaggerUi from 'swagger-ui-express'
import { intakeTopology } from '../core/contracts/topology.ts'
import { jsonBody, startHttp } from '../core/platform/http-service.ts'
import { createMetrics } from '../core/platform/metrics.ts'
import { createPublisher } from '../core/platform/rabbit/publisher.ts'
import { COMMAND_TIMEOUT_MS, connectRedis, redisReady } from '../core/platform/redis.ts'
import { repeat } from '../core/platform/repeat.ts'
import type { StartService } from '../core/platform/service.ts'
import { signedIn } from '../core/platform/signed-in.ts'
import { createTokens } from '../core/platform/tokens.ts'
import { Stock } from '../core/stock/stock.ts'
import type { BuyDeps } from './buy.ts'
import { startCatalogue } from './catalogue.ts'
import type { GatewayConfig } from './config.ts'
import { openApiDocument } from './openapi.ts'
import { resendPending } from './resend-pending.ts'
import { forwardTo } from './routes/forward.ts'
import { gatewayLimit } from './routes/limit.ts'
import { getReservation, postReservation } from './routes/reservations.ts'
import { getSale, getSales } from './routes/sales.ts'
import { demoSignIn } from './routes/sign-in.ts'

const RESEND_INTERVAL_MS = 500
const MAX_UNCONFIRMED = 5_000

/** The light side: limits, eligibility, reserve, enqueue, tell the result. Touches memory, Redis and the broker only. */
export const startGateway: StartService<GatewayConfig> = async ({ config, log, closers }) => {
  const metrics = createMetrics('gateway')
  const outcomes = new Counter({ name: 'seckill_purchases_total', help: 'Purchase attempts, by outcome', labelNames: ['outcome'], registers: [metrics] })
  const redis = connectRedis(config.REDIS_URL, log)
  closers.add('redis', () => redis.disconnect())
  await redisReady(redis)
  const stock = new Stock(redis, config.REDIS_KEY_PREFIX)
  const catalogue = startCatalogue(stock, log)
  closers.add('catalogue', () => catalogue.close())
  const publisher = await createPublisher({
    url: config.RABBITMQ_URL, name: 'gateway', log, topology: intakeTopology(config.INTAKE_QUEUE_MAX_LENGTH),
    confirmTimeoutMs: config.CONFIRM_TIMEOUT_MS, maxInFlight: MAX_UNCONFIRMED,
  })
  closers.add('publisher', () => publisher.close())

  const deps: BuyDeps = {
    catalogue, stock, publisher, log,
    limits: {
      buyer: { ratePerSecond: config.BUYER_RATE_PER_SECOND, burst: config.BUYER_BURST },
      address: { ratePerSecond: config.ADDRESS_RATE_PER_SECOND, burst: config.ADDRESS_BURST },
      maxPending: config.MAX_PENDING,
      patienceMs: COMMAND_TIMEOUT_MS,
    },
  }
  const resender = repeat(RESEND_INTERVAL_MS, () => resendPending(deps, config.RESEND_AFTER_MS), log)
  closers.add('resender', () => resender.close())

  const http = await startHttp({
    host: config.HOST, port: config.GATEWAY_PORT, log, metrics, trustProxyHops: config.TRUST_PROXY_HOPS,
    // The broker is not among them: buyers reserve while it is away, up to MAX_PENDING.
    checks: { redis: () => redis.status === 'ready' && catalogue.isFresh() },
    routes: (app) => mountRoutes(app, config, deps, (outcome) => outcomes.inc({ outcome })),
  })
  closers.add('http', () => http.close())
  return { port: http.port }
}

function mountRoutes(app: Express, config: GatewayConfig, deps: BuyDeps, count: Parameters<typeof postReservation>[1]): void {
  const tokens = createTokens(config.TOKEN_SECRET)
  const document = openApiDocument()
  app.get('/openapi.json', (_req, res) => { res.json(document) })
  app.use('/docs', swaggerUi.serve, swaggerUi.setup(document))

  app.use(gatewayLimit(config.GATEWAY_RATE_PER_SECOND, config.GATEWAY_BURST))
  app.use(forwardTo(config.ORDER_SERVICE_URL, deps.log))
  if (config.DEMO_MODE) app.post('/sessions', jsonBody(), demoSignIn(tokens))
  app.get('/sales', getSales(deps.catalogue))
  app.get('/sales/:saleId', getSale(deps.catalogue))
  app.post('/sales/:saleId/reservations', signedIn(tokens), jsonBody(), postReservation(deps, count))
  app.get('/reservations/:reservationId', signedIn(tokens), getReservation(deps.stock))
}
