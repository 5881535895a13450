import { execa } from 'execa'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { createQueueReader } from '../../core/audit/queue-depths.ts'
import type { ReadyReport } from '../../core/contracts/ready.ts'
import { startHttp } from '../../core/platform/http/http-service.ts'
import { createLog } from '../../core/platform/process/log.ts'
import { createMetrics } from '../../core/platform/process/metrics.ts'
import { clockCheck } from '../../core/platform/stores/clock-check.ts'
import { SaleAdmin } from '../../core/stock/sale-admin.ts'
import { makeScratchFolder, removeScratchFolder } from '../../dev/scratch-folder.ts'
import { freePort } from '../../dev/servers/ports.ts'
import { startRedis } from '../../dev/servers/redis.ts'
import { noteProcess } from '../../test/support/left-behind.ts'
import { eventually } from '../../test/support/eventually.ts'
import { startSystem, type System } from '../../test/support/system.ts'
import { checkReady, type ReadyDeps } from './check-sale.ts'
import { RESERVES } from './check-servers.ts'

let system: System
let deps: ReadyDeps
let closeQueues: () => Promise<void>
let readinessUrls: [string, string][]
beforeAll(async () => {
  system = await startSystem()
  const { world, env } = system
  const origin = (port: string | undefined) => `http://127.0.0.1:${port}`
  readinessUrls = [
    ['gateway', origin(env.GATEWAY_PORT)],
    ['order-service', origin(env.ORDER_SERVICE_PORT)],
    ['cancel-worker', origin(env.CANCEL_WORKER_PORT)],
  ]
  const queues = createQueueReader(world.rabbitmqUrl, 60)
  closeQueues = () => queues.close()
  deps = {
    database: world.database,
    redis: world.redis,
    saleAdmin: new SaleAdmin(world.redis, world.keyPrefix),
    queues,
    gatewayUrl: origin(env.GATEWAY_PORT),
    readinessUrls,
    metricsToken: undefined,
    reservationLifetimeSeconds: 120,
  }
})
afterAll(async () => {
  await closeQueues()
  await system.close()
})

const saleOf = (id: string) => system.world.database.sale.findUniqueOrThrow({ where: { id } })
async function check(
  change: Partial<ReadyDeps> = {},
  crowd: { buyers?: number; gateways?: number } = {},
  sale: Parameters<System['createSale']>[0] = {},
): Promise<ReadyReport> {
  return checkReady({ ...deps, ...change }, await saleOf(await system.createSale(sale)), crowd)
}
const codes = ({ toMend }: ReadyReport) => toMend.map(({ check: name, code }) => `${name} ${code}`).sort()

test('a sale with all that it needs is ready', async () => {
  const report = await check()
  expect(report).toMatchObject({ buyers: 100, isReady: true, toMend: [], unknown: [] })
})

test('a sale that is over, and one that Redis does not have, are not ready', async () => {
  expect(codes(await check({}, {}, { opensInMs: -2_000, closesInMs: -1_000 }))).toEqual(['sale SALE_OVER'])
  await system.stop('cancel-worker')
  const lost = await saleOf(await system.createSale())
  await system.world.redis.del(deps.saleAdmin.keys.sale(lost.id))
  const report = await checkReady({ ...deps, readinessUrls: readinessUrls.slice(0, 2) }, lost, {})
  expect(codes(report)).toEqual(['sale SALE_NOT_LOADED'])
  expect(codes(await checkReady(deps, lost, {}))).toEqual(['sale SALE_NOT_LOADED', 'services NOT_ANSWERING'])
  await system.start('cancel-worker')
  await eventually(
    'the sale to be loaded again',
    () => checkReady(deps, lost, {}),
    ({ isReady }) => isReady,
  )
})

test('a payment provider that does not answer is named', async () => {
  await system.stop('payment-provider')
  const id = await system.createSale()
  const report = await eventually(
    'the order service to notice',
    async () => checkReady(deps, await saleOf(id), {}),
    ({ isReady }) => !isReady,
  )
  expect(codes(report)).toEqual(['payments UNREACHABLE'])
  await system.start('payment-provider')
})

test('a service whose clock is wrong, and servers whose clocks differ, are named', async () => {
  const log = createLog('test', 'silent')
  const wrong = clockCheck('Redis', async () => Date.now() + 3_600_000, 30_000)
  const options = { host: '127.0.0.1', port: 0, log, metrics: createMetrics('test'), checks: { clock: wrong } }
  const service = await startHttp({ ...options, routes: () => {} })
  onTestFinished(() => service.close())
  const urls: [string, string][] = [...readinessUrls, ['late', `http://127.0.0.1:${service.port}`]]
  expect(codes(await check({ readinessUrls: urls }))).toEqual(['clocks CLOCK_WRONG'])
  const ahead = vi.spyOn(deps.redis, 'time').mockResolvedValue([Math.round(Date.now() / 1_000) + 3_600, 0])
  onTestFinished(() => ahead.mockRestore())
  expect(codes(await check())).toEqual(['clocks CLOCKS_DIFFER'])
})

test('a crowd that is too large for queues, rates, connections or descriptors is told what to raise', async () => {
  const huge = { stock: 1_000_000, priceCents: 1 }
  const crowd = codes(await check({}, { buyers: 10_000_000 }, huge))
  expect(crowd).toEqual(
    expect.arrayContaining([
      'connections TOO_FEW_CONNECTIONS',
      'limits RATE_TOO_LOW',
      'queues ORDERS_TOO_SLOW',
      'queues QUEUE_TOO_SHORT',
    ]),
  )
  expect(crowd).toContain('connections TOO_FEW_DESCRIPTORS')
  const some = await check({}, { buyers: 30_000, gateways: 1 })
  expect(codes(some)).toContain('connections TOO_FEW_CONNECTIONS')
  expect(codes(await check({}, { buyers: 30_000, gateways: 100 }))).not.toContain('connections TOO_FEW_CONNECTIONS')
})

test('a Redis that loses data, or is nearly full, is named', async () => {
  const folder = await makeScratchFolder()
  const server = await startRedis({ dataDir: folder, onStart: (name, id) => void noteProcess(name, id) })
  const redis = new Redis(server.url)
  onTestFinished(async () => {
    redis.disconnect()
    await server.stop()
    await removeScratchFolder(folder)
  })
  expect(codes(await check({ redis }))).toEqual([])
  await redis.config('SET', 'appendonly', 'no')
  await redis.config('SET', 'maxmemory-policy', 'allkeys-lru')
  await redis.config('SET', 'maxmemory', '1000000')
  await redis.config('SET', 'maxclients', '50')
  expect(codes(await check({ redis }))).toEqual([
    'connections REDIS_CLIENTS',
    'redis REDIS_EVICTS',
    'redis REDIS_MEMORY',
    'redis REDIS_NOT_PERSISTED',
  ])
})

test('a disk that is full and a PostgreSQL without connections left are named', async () => {
  const reserves = { ...RESERVES, diskBytes: Infinity, databaseConnections: Infinity }
  expect(codes(await check({ reserves }))).toEqual(['connections DATABASE_CONNECTIONS', 'disk DISK_FULL'])
})

test('what cannot be checked keeps a sale from being called ready', async () => {
  const report = await check({ gatewayUrl: `http://127.0.0.1:${await freePort()}`, readinessUrls: [] })
  expect(report).toMatchObject({ isReady: false, toMend: [] })
  expect(report.unknown.map(({ check: name }) => name).sort()).toEqual(['limits', 'payments', 'services'])
})

test('npm run ready exits 0, 1 or 2, and the API refuses what it does not know', async () => {
  await system.stop('control-room')
  await system.start('control-room', { READINESS_URLS: readinessUrls.map((pair) => pair.join('=')).join(',') })
  const id = await system.createSale({ stock: 10 })
  const run = (...args: string[]) =>
    execa('node', ['dev/run.mjs', 'cli/ready.ts', ...args], {
      reject: false,
      env: {
        CONTROL_ROOM_URL: `http://127.0.0.1:${system.env.CONTROL_ROOM_PORT}`,
        ADMIN_TOKEN: system.env.ADMIN_TOKEN ?? '',
      },
    })
  expect(await run(id)).toMatchObject({ exitCode: 0, stdout: `${id} is ready for 100 buyers.` })
  const red = await run(id, '--buyers', '9000000')
  expect(red.exitCode).toBe(1)
  expect(red.stdout).toContain('limits: The limit of the sale lets')
  expect(await run('nowhere')).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('There is no such sale.') })
  expect(await run(id, '--buyers', 'many')).toMatchObject({ exitCode: 2 })
  for (const query of ['buyers=0', 'buyers=x', 'gateways=1.5', 'buyers=99999999'])
    expect((await system.controlRoom('GET', `/sales/${id}/ready?${query}`)).status, query).toBe(400)
})
