import { audit } from '../core/audit/audit.ts'
import { createQueueReader } from '../core/audit/queue-depths.ts'
import { auditLimits } from '../core/audit/report.ts'
import { PROCESS_ACTIONS } from '../core/contracts/control-room.ts'
import { bearerOnly } from '../core/platform/http/bearer-only.ts'
import { connectDatabase } from '../core/platform/stores/connect-database.ts'
import { databaseCheck } from '../core/platform/stores/database-check.ts'
import { startHttp } from '../core/platform/http/http-service.ts'
import { jsonBody } from '../core/platform/http/json-body.ts'
import type { Logger } from '../core/platform/process/log.ts'
import { Loops } from '../core/platform/process/loops.ts'
import { metricsAccess } from '../core/platform/http/metrics-access.ts'
import { createMetrics } from '../core/platform/process/metrics.ts'
import { servePage } from '../core/platform/http/pages.ts'
import { createDepthReader } from '../core/platform/rabbit/depth-reader.ts'
import { reachable } from '../core/platform/http/reachable.ts'
import { connectRedis, waitForRedis } from '../core/platform/stores/redis.ts'
import { redisCheck, refuseUnfitRedis } from '../core/platform/stores/redis-check.ts'
import type { StartService } from '../core/platform/process/service.ts'
import { showLimits } from '../core/platform/process/shown-limits.ts'
import { ledgerRights } from '../core/stock/rights.ts'
import { SaleAdmin } from '../core/stock/sale-admin.ts'
import { nearEpochs } from '../core/rebuild/sales-in-turn.ts'
import { EPOCHS_INTERVAL_MS, leaveStalePrimary } from '../core/stock/stale-primary.ts'
import { Stock } from '../core/stock/stock.ts'
import { WaitingRoom } from '../core/waiting-room/waiting-room.ts'
import { DATABASE_CONNECTIONS, type ControlRoomConfig } from './config.ts'
import { Launcher } from './launcher.ts'
import { Broadcast } from './live/broadcast.ts'
import { readProblems } from './live/read-problems.ts'
import { sampler } from './live/sampler.ts'
import { getAudit } from './routes/audit.ts'
import { getChanges } from './routes/changes.ts'
import { deleteBlacklist, patchBlacklist, putBlacklist } from './routes/blacklist.ts'
import { putCoupon, postPoints } from './routes/coupons.ts'
import { deleteLab, getLabs, postLab } from './routes/labs.ts'
import { getDeadLetters, postSendBack } from './routes/dead-letters.ts'
import { getLive } from './routes/live.ts'
import { getProcesses, postProcess } from './routes/processes.ts'
import { deleteCrowd, getCrowd, postCrowd } from './routes/crowd.ts'
import { getReady } from './routes/ready.ts'
import { getSagas } from './routes/sagas.ts'
import { getStories } from './routes/stories.ts'
import { getSale, getSales, patchSale, postSale } from './routes/sales.ts'
import { Crowds } from './crowd/crowds.ts'
import { Labs } from './labs/labs.ts'
import { backlogWatch, WATCH_INTERVAL_MS } from './watch-backlog.ts'

/** The operator's API and page: create and change sales, keep the blacklist, audit. */
export const startControlRoom: StartService<ControlRoomConfig> = async ({ config, log, closers }) => {
  const database = connectDatabase(config.DATABASE_URL, {
    connections: DATABASE_CONNECTIONS,
    statementTimeoutMs: 5_000,
  })
  closers.add('database', () => database.$disconnect())
  const redis = connectRedis(config.REDIS_URL, log)
  closers.add('redis', () => redis.disconnect())
  await waitForRedis(redis, log)
  await refuseUnfitRedis(redis, config.NODE_ENV, log)
  const queues = createQueueReader(config.RABBITMQ_URL, config.PAYMENT_WINDOW_SECONDS)
  closers.add('queue reader', () => queues.close())
  const depths = createDepthReader(config.RABBITMQ_URL)
  closers.add('depth reader', () => depths.close())
  const deps = {
    database,
    stock: new Stock(redis, config.REDIS_KEY_PREFIX),
    saleAdmin: new SaleAdmin(redis, config.REDIS_KEY_PREFIX),
  }
  const metrics = createMetrics('control-room')
  const loops = new Loops(log, metrics)
  const epochs = loops.repeat(
    'epochs',
    EPOCHS_INTERVAL_MS,
    leaveStalePrimary({ stock: deps.stock, readEpochs: () => nearEpochs(database), connections: [redis], log }),
  )
  closers.add('epochs', () => epochs.close())
  showLimits(metrics, { RESERVATION_LIFETIME_SECONDS: config.RESERVATION_LIFETIME_SECONDS })
  const auditing = {
    database,
    redis,
    queues,
    keyPrefix: config.REDIS_KEY_PREFIX,
    limits: auditLimits(config.RESERVATION_LIFETIME_SECONDS),
  }
  const backlog = loops.repeat(
    'backlog watch',
    WATCH_INTERVAL_MS,
    backlogWatch({ database, stock: deps.stock, queues, depths, metrics, log, audit: () => audit(auditing) }),
  )
  closers.add('backlog watch', () => backlog.close())
  const broker = { url: config.RABBITMQ_URL, log }
  const launcher =
    config.LAUNCHER_URL && config.LAUNCHER_TOKEN ? new Launcher(config.LAUNCHER_URL, config.LAUNCHER_TOKEN) : undefined
  const crowds = crowdsIn(config, log)
  closers.add('crowd', () => crowds?.stop())
  const labs = config.DEMO_MODE && Labs.areHere() ? new Labs(log) : undefined
  closers.add('lab', () => labs?.stop())
  const broadcast = new Broadcast(
    sampler({
      database,
      stock: deps.stock,
      room: new WaitingRoom(redis, config.REDIS_KEY_PREFIX),
      queues,
      gatewayUrl: config.GATEWAY_URL,
      metricsToken: config.METRICS_TOKEN,
      audit: () => audit(auditing),
      crowd: () => crowds?.latest() ?? null,
      problems: () => readProblems(config.READINESS_URLS),
      processes: async () => (await launcher?.processes()) ?? null,
    }),
    log,
  )

  const http = await startHttp({
    host: config.HOST,
    port: config.CONTROL_ROOM_PORT,
    log,
    metrics,
    metricsAccess: metricsAccess(config),
    checks: {
      database: () => databaseCheck(database),
      redis: redisCheck(redis, ledgerRights(config.REDIS_KEY_PREFIX)),
      loops: () => loops.check(),
      ...(config.GATEWAY_URL && {
        gateway: reachable('GATEWAY_URL', config.GATEWAY_URL, 'meanwhile there are no figures of purchases'),
      }),
    },
    routes: (app) => {
      // The page itself needs no token; the operator enters it there.
      servePage(app, 'control-room')
      app.use(bearerOnly(config.ADMIN_TOKEN, 'admin'))
      app.get('/sales', getSales(deps))
      app.post('/sales', jsonBody(), postSale(deps))
      app.get('/sales/:saleId', getSale(deps))
      app.patch('/sales/:saleId', jsonBody(), patchSale(deps))
      app.get('/changes', getChanges(deps))
      app.get(
        '/sales/:saleId/ready',
        getReady({
          ...deps,
          redis,
          queues,
          gatewayUrl: config.GATEWAY_URL,
          readinessUrls: config.READINESS_URLS,
          metricsToken: config.METRICS_TOKEN,
          reservationLifetimeSeconds: config.RESERVATION_LIFETIME_SECONDS,
        }),
      )
      app.patch('/blacklist', jsonBody(), patchBlacklist(deps))
      app.put('/blacklist/:buyerId', jsonBody(), putBlacklist(deps))
      app.delete('/blacklist/:buyerId', deleteBlacklist(deps))
      app.put('/coupons/:code', jsonBody(), putCoupon(database))
      app.post('/points/:buyerId', jsonBody(), postPoints(database))
      app.get('/sagas', getSagas(database))
      app.get('/stories/:id', getStories({ ...deps, log }, config))
      app.get('/dead-letters', getDeadLetters(broker))
      app.post('/dead-letters/send-back', jsonBody(), postSendBack(broker))
      app.get('/audit', getAudit(auditing))
      app.get('/live', getLive(broadcast))
      app.get('/crowd', getCrowd(crowds))
      app.post('/crowd', jsonBody(), postCrowd(deps, crowds))
      app.delete('/crowd', deleteCrowd(crowds))
      app.get('/labs', getLabs(labs))
      app.post('/labs/:name', jsonBody(), postLab(labs))
      app.delete('/labs', deleteLab(labs))
      app.get('/processes', getProcesses(launcher))
      for (const action of PROCESS_ACTIONS)
        app.post(`/processes/:name/${action}`, jsonBody(), postProcess(launcher, action))
    },
  })
  closers.add('http', () => http.close())
  // Closed first: http waits for open requests, and a stream does not end by itself.
  closers.add('live streams', () => broadcast.close())
  return { port: http.port }
}

/** Simulated buyers need a gateway that lets them in: in a demo, never in a real sale. */
function crowdsIn(
  { DEMO_MODE, GATEWAY_URL, CROWD_TOKEN_SECRET, CROWD_PAYMENT_URL }: ControlRoomConfig,
  log: Logger,
): Crowds | undefined {
  if (!DEMO_MODE || !GATEWAY_URL || !CROWD_TOKEN_SECRET) return undefined
  return new Crowds({ gatewayUrl: GATEWAY_URL, tokenSecret: CROWD_TOKEN_SECRET, paymentUrl: CROWD_PAYMENT_URL, log })
}
