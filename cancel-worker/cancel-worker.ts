import { CANCELLATIONS, cancellationTopology } from '../core/contracts/timeout-topology.ts'
import { connectDatabase } from '../core/platform/stores/connect-database.ts'
import { isDataError } from '../core/platform/stores/database.ts'
import { databaseAnswers, databaseCheck } from '../core/platform/stores/database-check.ts'
import { startHttp } from '../core/platform/http/http-service.ts'
import { Loops } from '../core/platform/process/loops.ts'
import { metricsAccess } from '../core/platform/http/metrics-access.ts'
import { createMetrics } from '../core/platform/process/metrics.ts'
import { consumeBatches } from '../core/platform/rabbit/batch-consumer.ts'
import { createDepthReader } from '../core/platform/rabbit/depth-reader.ts'
import { connectRedis, reconnect, waitForRedis } from '../core/platform/stores/redis.ts'
import { redisCheck, refuseUnfitRedis } from '../core/platform/stores/redis-check.ts'
import type { StartService } from '../core/platform/process/service.ts'
import { nearLedgers } from '../core/rebuild/sales-in-turn.ts'
import { ledgerRights } from '../core/stock/rights.ts'
import { LedgersInTurn } from '../core/stock/ledgers-in-turn.ts'
import { SaleAdmin } from '../core/stock/sale-admin.ts'
import { Stock } from '../core/stock/stock.ts'
import { WaitingRoom } from '../core/waiting-room/waiting-room.ts'
import { cancelAndRelease, type CancelDeps, readOrderIds } from './cancel-batch.ts'
import { checkBack } from './check-back.ts'
import { DATABASE_CONNECTIONS, type CancelWorkerConfig } from './config.ts'
import { cancelMetrics } from './metrics.ts'
import { Rebuilder } from './rebuild-lost.ts'
import { Reconciler } from './reconcile.ts'
import { runWaitingRooms } from './run-waiting-rooms.ts'
import { StatusReconciler } from './reconcile-statuses.ts'
import { sweepHandled, sweepUndecided, sweepUnpaid, sweepUnsettled } from './sweep.ts'

/** Orders cancelled in one transaction, which locks the rows of their sales meanwhile. */
const BATCH_MAX = 100
/** How often it is checked that Redis has every sale. */
const REBUILD_INTERVAL_MS = 500
/** Ledgers of other sales than the near ones, in one sweep. */
const SWEPT_IN_TURN_MAX = 200
/** How often buyers are admitted. */
const WAITING_ROOMS_INTERVAL_MS = 500
/** How often inbox rows are deleted: some 50,000 each time, seven million a day. */
const FORGET_INTERVAL_MS = 600_000

/** Cancels unpaid orders at their deadline, and repairs what lost messages, crashes and outages have left. */
export const startCancelWorker: StartService<CancelWorkerConfig> = async ({ config, log, closers }) => {
  const metrics = createMetrics('cancel-worker')
  const count = cancelMetrics(metrics)
  const database = connectDatabase(config.DATABASE_URL, {
    connections: DATABASE_CONNECTIONS,
    statementTimeoutMs: 5_000,
  })
  closers.add('database', () => database.$disconnect())
  const redis = connectRedis(config.REDIS_URL, log)
  closers.add('redis', () => redis.disconnect())
  await waitForRedis(redis, log)
  await refuseUnfitRedis(redis, config.NODE_ENV, log)
  const deps: CancelDeps = {
    database,
    stock: new Stock(redis, config.REDIS_KEY_PREFIX),
    log,
    onCancelled: count.cancelled,
  }

  const consumer = await consumeBatches({
    url: config.RABBITMQ_URL,
    name: 'cancel-worker',
    log,
    metrics,
    topology: cancellationTopology,
    queue: CANCELLATIONS,
    batchMax: BATCH_MAX,
    unpack: readOrderIds,
    handle: (orderIds) => cancelAndRelease(deps, orderIds),
    isFutile: isDataError,
    isAway: async () => !(await databaseAnswers(database)),
  })
  closers.add('consumer', () => consumer.close())

  const limits = {
    graceMs: config.SWEEP_GRACE_SECONDS * 1_000,
    reservationLifetimeMs: config.RESERVATION_LIFETIME_SECONDS * 1_000,
  }
  const saleAdmin = new SaleAdmin(redis, config.REDIS_KEY_PREFIX)
  const queues = createDepthReader(config.RABBITMQ_URL)
  closers.add('queue reader', () => queues.close())
  const rebuilder = new Rebuilder(
    {
      ...deps,
      saleAdmin,
      queues,
      onClosed: count.closed,
      onRebuilt: count.rebuilt,
      reconnect: () => reconnect(redis),
    },
    limits.reservationLifetimeMs,
  )
  const reconciler = new Reconciler(
    { database, saleAdmin, log, onHealed: count.healed },
    limits.reservationLifetimeMs,
    limits.graceMs,
  )
  const room = new WaitingRoom(redis, config.REDIS_KEY_PREFIX)
  const statuses = new StatusReconciler({ ...deps, saleAdmin })
  const everyMs = config.SWEEP_INTERVAL_SECONDS * 1_000
  const turns = new LedgersInTurn(deps.stock.loaded, () => nearLedgers(database), SWEPT_IN_TURN_MAX)
  const loops = new Loops(log, metrics)
  const sweeps = [
    loops.repeat('sweep unpaid', everyMs, () => sweepUnpaid(deps, limits)),
    loops.repeat('sweep unsettled', everyMs, () => sweepUnsettled(deps)),
    loops.repeat('sweep undecided', everyMs, () => sweepUndecided(deps, limits, turns)),
    loops.repeat('check back', everyMs, () =>
      checkBack({ database, log, onCheckedBack: count.checkedBack }, config.SAGA_SECONDS * 1_000),
    ),
    loops.repeat('rebuild', REBUILD_INTERVAL_MS, () => rebuilder.runOnce()),
    loops.repeat('reconcile', everyMs, () => reconciler.runOnce()),
    loops.repeat('waiting rooms', WAITING_ROOMS_INTERVAL_MS, () =>
      runWaitingRooms({ database, stock: deps.stock, room, log, onAdmitted: count.admitted }),
    ),
    loops.repeat('reconcile statuses', everyMs, () => statuses.runOnce()),
    loops.repeat('forget handled', FORGET_INTERVAL_MS, () => sweepHandled(deps, config.INBOX_DAYS)),
  ]
  closers.add('sweepers', () => Promise.all(sweeps.map((sweep) => sweep.close())))

  const http = await startHttp({
    host: config.HOST,
    port: config.CANCEL_WORKER_PORT,
    log,
    metrics,
    metricsAccess: metricsAccess(config),
    checks: {
      database: () => databaseCheck(database),
      redis: redisCheck(redis, ledgerRights(config.REDIS_KEY_PREFIX)),
      broker: () => consumer.isUp(),
      loops: () => loops.check(),
    },
    routes: () => {},
  })
  closers.add('http', () => http.close())
  return { port: http.port }
}
