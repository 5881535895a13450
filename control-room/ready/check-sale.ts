import type { RedisClient } from '../../core/platform/stores/redis.ts'
import type { QueueReader } from '../../core/audit/queue-depths.ts'
import { BUYERS_PER_UNIT, type ReadyCheck, type ReadyReport, type ToMend } from '../../core/contracts/ready.ts'
import type { ServiceProblem } from '../../core/contracts/control-room.ts'
import type { Database, Sale } from '../../core/platform/stores/database.ts'
import { readState } from '../../core/rebuild/close-sale.ts'
import type { SaleAdmin } from '../../core/stock/sale-admin.ts'
import { readProblems } from '../live/read-problems.ts'
import { checkGateways, checkIntake, type Expected } from './check-capacity.ts'
import { checkDatabase, checkDisk, checkRedis, type Reserves, RESERVES } from './check-servers.ts'
import { type Capacity, readCapacity } from './read-capacity.ts'

export interface ReadyDeps {
  database: Database
  redis: RedisClient
  saleAdmin: SaleAdmin
  queues: QueueReader
  gatewayUrl: string | undefined
  readinessUrls: readonly [service: string, url: string][]
  metricsToken: string | undefined
  reservationLifetimeSeconds: number
  reserves?: Reserves
}

/** Checks of a service's /readyz that are checks here; all others are `services`. */
const OF_SERVICE: Partial<Record<string, ReadyCheck>> = { clock: 'clocks', provider: 'payments' }

/** Whether a sale can open for that many buyers. Asks the servers once each, and changes nothing. */
export async function checkReady(
  deps: ReadyDeps,
  sale: Sale,
  {
    buyers = sale.stock * BUYERS_PER_UNIT,
    gateways = 1,
  }: { buyers?: number | undefined; gateways?: number | undefined },
): Promise<ReadyReport> {
  const { database, redis, reserves = RESERVES } = deps
  const unknown: ReadyReport['unknown'] = []
  const attempt = (check: ReadyCheck, work: () => Promise<ToMend[]>) =>
    work().catch((error: Error): ToMend[] => {
      unknown.push({ check, detail: error.message })
      return []
    })
  const found = await Promise.all([
    attempt('sale', () => checkLedger(deps.saleAdmin, sale)),
    checkServices(deps.readinessUrls, unknown),
    attempt('limits', () => checkCrowd(deps, sale, buyers, gateways, unknown)),
    attempt('redis', () => checkRedis(redis, reserves)),
    attempt('connections', () => checkDatabase(database, redis, reserves)),
    attempt('disk', () => checkDisk(reserves)),
  ])
  const toMend = found.flat()
  return { saleId: sale.id, buyers, isReady: toMend.length + unknown.length === 0, toMend, unknown }
}

async function checkLedger(saleAdmin: SaleAdmin, sale: Sale): Promise<ToMend[]> {
  if (sale.closesAt <= new Date())
    return [{ check: 'sale', code: 'SALE_OVER', detail: 'The sale is over: move its window.' }]
  const { state, epoch } = await readState(saleAdmin, sale)
  if (state === 'OPEN' && epoch === sale.epoch) return []
  const detail =
    `Redis does not have the sale of epoch ${sale.epoch} (it has epoch ${epoch}, ${state}): a cancel worker loads it ` +
    'within seconds; see that one runs, and its log.'
  return [{ check: 'sale', code: 'SALE_NOT_LOADED', detail }]
}

async function checkServices(urls: ReadyDeps['readinessUrls'], unknown: ReadyReport['unknown']): Promise<ToMend[]> {
  if (urls.length === 0) {
    const detail = 'READINESS_URLS names no service: set it for the control room.'
    for (const check of ['services', 'payments'] as const) unknown.push({ check, detail })
  }
  return (await readProblems(urls)).map((problem: ServiceProblem) => ({
    check: OF_SERVICE[problem.check] ?? 'services',
    code: problem.code,
    detail: `${problem.service}: ${problem.detail}`,
  }))
}

async function checkCrowd(
  deps: ReadyDeps,
  { stock }: Sale,
  buyers: number,
  gateways: number,
  unknown: ReadyReport['unknown'],
): Promise<ToMend[]> {
  if (deps.gatewayUrl === undefined) throw new Error('GATEWAY_URL is not set for the control room.')
  const { intake } = await deps.queues.read()
  const expected: Expected = {
    buyers,
    stock,
    gateways,
    intake,
    reservationLifetimeSeconds: deps.reservationLifetimeSeconds,
  }
  const gateway = await readCapacity(deps.gatewayUrl, deps.metricsToken)
  const orders = await readOrderService(deps, unknown)
  return [...checkGateways(gateway, expected), ...checkIntake(gateway, orders, expected)]
}

async function readOrderService(
  { readinessUrls, metricsToken }: ReadyDeps,
  unknown: ReadyReport['unknown'],
): Promise<Capacity | undefined> {
  const [, url] = readinessUrls.find(([service]) => service === 'order-service') ?? []
  try {
    if (url === undefined) throw new Error('READINESS_URLS names no order-service.')
    return await readCapacity(url, metricsToken)
  } catch (error) {
    unknown.push({ check: 'queues', detail: `The rate of the order service: ${(error as Error).message}` })
    return undefined
  }
}
