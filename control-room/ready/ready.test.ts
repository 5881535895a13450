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
import { commandArgs } from '../../test/bundles.ts'
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
type Crowd = Parameters<typeof checkReady>[2]
const codes = ({ toMend }: ReadyReport) => toMend.map(({ check, code }) => `${check} ${code}`).sort()

/** Repeats the check, since a busy machine leaves a service unanswered now and then. */
async function expectCodes(
  expected: string[],
  { change = {}, crowd = {}, sale = {} }: { change?: Partial<ReadyDeps>; crowd?: Crowd; sale?: NewSale | string } = {},
): Promise<ReadyReport> {
  const id = typeof sale === 'string' ? sale : await system.createSale(sale)
  return eventually(
    `${expected.join(', ') || 'nothing'} to be mended`,
    async () => checkReady({ ...deps, ...change }, await saleOf(id), crowd),
    (report) => JSON.stringify(codes(report)) === JSON.stringify(expected) && report.unknown.length === 0,
  )
}
type NewSale = Parameters<System['createSale']>[0]

test('a sale with all that it needs is ready', async () => {
  expect(await expectCodes([])).toMatchObject({ buyers: 100, isReady: true })
})

test('a sale that is over, and one that Redis does not have, are not ready', async () => {
  await expectCodes(['sale SALE_OVER'], { sale: { opensInMs: -2_000, closesInMs: -1_000 } })
  await system.stop('cancel-worker')
  const lost = await system.createSale()
  await system.world.redis.del(deps.saleAdmin.keys.sale(lost))
  await expectCodes(['sale SALE_NOT_LOADED', 'services NOT_ANSWERING'], { sale: lost })
  await system.start('cancel-worker')
  await expectCodes([], { sale: lost })
})

test('a payment provider that does not answer is named', async () => {
  await system.stop('payment-provider')
  await expectCodes(['payments UNREACHABLE'])
  await system.start('payment-provider')
  await expectCodes([])
})

test('a service whose clock is wrong, and servers whose clocks differ, are named', async () => {
  const log = createLog('test', 'silent')
  const wrong = clockCheck('Redis', async () => Date.now() + 3_600_000, 30_000)
  const options = { host: '127.0.0.1', port: 0, log, metrics: createMetrics('test'), checks: { clock: wrong } }
  const service = await startHttp({ ...options, routes: () => {} })
  onTestFinished(() => service.close())
  const urls: [string, string][] = [...readinessUrls, ['late', `http://127.0.0.1:${service.port}`]]
  await expectCodes(['clocks CLOCK_WRONG'], { change: { readinessUrls: urls } })
  const ahead = vi.spyOn(deps.redis, 'time').mockResolvedValue([Math.round(Date.now() / 1_000) + 3_600, 0])
  onTestFinished(() => {
    ahead.mockRestore()
  })
  await expectCodes(['clocks CLOCKS_DIFFER'])
})

test('a crowd that is too large for queues, rates, connections or descriptors is told what to raise', async () => {
  const tooMany = ['connections TOO_FEW_CONNECTIONS', 'connections TOO_FEW_DESCRIPTORS']
  await expectCodes([...tooMany, 'limits RATE_TOO_LOW', 'queues ORDERS_TOO_SLOW', 'queues QUEUE_TOO_SHORT'], {
    crowd: { buyers: 10_000_000 },
    sale: { stock: 1_000_000, priceCents: 1 },
  })
  // The same crowd, over a thousand gateways, and for few units.
  await expectCodes(['limits RATE_TOO_LOW'], { crowd: { buyers: 1_200_000, gateways: 1_000 } })
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
  await expectCodes([], { change: { redis } })
  await redis.config('SET', 'appendonly', 'no')
  await redis.config('SET', 'maxmemory-policy', 'allkeys-lru')
  await redis.config('SET', 'maxmemory', '1000000')
  await redis.config('SET', 'maxclients', '50')
  const found = ['connections REDIS_CLIENTS', 'redis REDIS_EVICTS', 'redis REDIS_MEMORY', 'redis REDIS_NOT_PERSISTED']
  await expectCodes(found, { change: { redis } })
})

test('a disk that is full and a PostgreSQL without connections left are named', async () => {
  const reserves = { ...RESERVES, diskBytes: Infinity, databaseConnections: Infinity }
  await expectCodes(['connections DATABASE_CONNECTIONS', 'disk DISK_FULL'], { change: { reserves } })
})

test('what cannot be checked keeps a sale from being called ready', async () => {
  const change = { gatewayUrl: `http://127.0.0.1:${await freePort()}`, readinessUrls: [] }
  const report = await checkReady({ ...deps, ...change }, await saleOf(await system.createSale()), {})
  expect(report).toMatchObject({ isReady: false, toMend: [] })
  expect(report.unknown.map(({ check }) => check).sort()).toEqual(['limits', 'payments', 'services'])
})

test('npm run ready exits 0, 1 or 2, and the API refuses what it does not know', async () => {
  await system.stop('control-room')
  await system.start('control-room', { READINESS_URLS: readinessUrls.map((pair) => pair.join('=')).join(',') })
  const id = await system.createSale({ stock: 10 })
  const run = (...args: string[]) =>
    execa('node', [...commandArgs('ready'), ...args], {
      reject: false,
      env: {
        CONTROL_ROOM_URL: `http://127.0.0.1:${system.env.CONTROL_ROOM_PORT}`,
        ADMIN_TOKEN: system.env.ADMIN_TOKEN ?? '',
      },
    })
  const green = await eventually(
    'it to be ready',
    () => run(id),
    ({ exitCode }) => exitCode === 0,
  )
  expect(green.stdout).toBe(`${id} is ready for 100 buyers.`)
  const red = await run(id, '--buyers', '9000000')
  expect(red.exitCode).toBe(1)
  expect(red.stdout).toContain('limits: The limit of the sale lets')
  const nowhere = await run('nowhere')
  expect(nowhere.exitCode).toBe(2)
  expect(nowhere.stderr).toContain('There is no such sale.')
  expect(await run(id, '--buyers', 'many')).toMatchObject({ exitCode: 2 })
  for (const query of ['buyers=0', 'buyers=x', 'gateways=1.5', 'buyers=99999999'])
    expect((await system.controlRoom('GET', `/sales/${id}/ready?${query}`)).status, query).toBe(400)
})
