import { afterAll, beforeAll, expect, test } from 'vitest'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { RunRecord } from '../../dev/run-file.ts'
import { makeScratchFolder, removeScratchFolder } from '../../dev/scratch-folder.ts'
import { startRedis } from '../../dev/servers/redis.ts'
import type { RunningServer } from '../../dev/servers/running-server.ts'
import { eventually } from '../../test/support/eventually.ts'
import { endWithFile, noteProcess } from '../../test/support/left-behind.ts'
import { loadSale } from '../../test/support/load-sale.ts'
import { reserveOne } from '../../test/support/reserve-one.ts'
import { createLog } from '../platform/process/log.ts'
import { connectRedis, redisReady } from '../platform/stores/redis.ts'
import { SaleAdmin } from './sale-admin.ts'
import { serverRunId } from './server-run.ts'
import { Stock } from './stock.ts'

const KEY_PREFIX = 'run:'
const sale = {
  saleId: 's',
  epoch: 1,
  title: 'A sale',
  priceCents: 100,
  total: 5,
  left: 5,
  perBuyerLimit: 1,
  opensAtMs: Date.now() - 1_000,
  closesAtMs: Date.now() + 3_600_000,
}

let folder: string
let primary: RunningServer
let other: RunningServer
let [atPrimary, atOther]: Redis[] = []
beforeAll(async () => {
  folder = await makeScratchFolder()
  RunRecord.ofNewFolder(folder)
  const start = async (name: string) => {
    const server = await startRedis({
      dataDir: join(folder, name),
      settings: { 'repl-diskless-sync-delay': '0' },
      onStart: (_, id) => void noteProcess(name, id),
    })
    endWithFile(() => server.stop())
    return server
  }
  ;[primary, other] = await Promise.all([start('primary'), start('other')])
  ;[atPrimary, atOther] = [new Redis(primary.url), new Redis(other.url)]
})
afterAll(async () => {
  for (const redis of [atPrimary, atOther]) redis?.disconnect()
  await Promise.all([primary.stop(), other.stop()])
  await removeScratchFolder(folder)
})

/** Makes a server the replica of the other one, and waits until it has its data. */
async function follow(replica: Redis | undefined, { url }: RunningServer): Promise<void> {
  const { hostname, port } = new URL(url)
  await replica?.replicaof(hostname, port)
  await eventually(
    'the replica to have the data',
    () => replica?.info('replication'),
    (info) => /^master_link_status:up/m.test(info ?? ''),
  )
}

test('a primary whose data was replaced by an older copy sells nothing from it over its old connections', async () => {
  const redis = connectRedis(primary.url, createLog('test', 'silent')) as Redis
  await redisReady(redis)
  const [stock, saleAdmin] = [new Stock(redis, KEY_PREFIX), new SaleAdmin(redis, KEY_PREFIX)]
  const reserve = async (buyerId: string) =>
    (await reserveOne(stock, sale, { reservationId: `s.${buyerId}`, buyerId })).status
  const connection = await redis.client('ID')

  await follow(atOther, primary)
  await loadSale({ redis, keyPrefix: KEY_PREFIX }, sale)
  expect(await reserve('before')).toBe('RESERVED')
  expect(await redis.wait(1, 0)).toBe(1)
  await atOther?.replicaof('NO', 'ONE')
  expect(await reserve('after')).toBe('RESERVED')

  const runBefore = await serverRunId(redis, stock.keys.sale('s'))
  await follow(atPrimary, other)
  await atPrimary?.replicaof('NO', 'ONE')
  // The older copy names the run of before, as the ledger did.
  expect(await redis.hmget(stock.keys.sale('s'), 'stock', 'run_id')).toEqual(['4', runBefore])
  const state = await eventually(
    'the run to be known as another',
    () => saleAdmin.read('s'),
    (found) => found.state !== 'OPEN',
  )
  expect(state).toMatchObject({ state: 'LOST', epoch: 1 })
  expect(await reserve('again')).toBe('UNAVAILABLE')
  expect(await redis.client('ID')).toBe(connection)
  redis.disconnect()
})

test('a primary that has become a replica is left by its client', async () => {
  const redis = connectRedis(other.url, createLog('test', 'silent')) as Redis
  await redisReady(redis)
  const connection = await redis.client('ID')
  await follow(atOther, primary)
  await expect(redis.set('x', 1)).rejects.toThrow('READONLY')
  await eventually(
    'another connection',
    () => redis.client('ID').catch(() => connection),
    (id) => id !== connection,
  )
  redis.disconnect()
})
