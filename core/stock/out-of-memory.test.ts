import type { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeScratchFolder, removeScratchFolder } from '../../dev/scratch-folder.ts'
import { startRedis } from '../../dev/servers/redis.ts'
import type { RunningServer } from '../../dev/servers/running-server.ts'
import { endWithFile, noteProcess } from '../../test/support/left-behind.ts'
import { loadSale } from '../../test/support/load-sale.ts'
import { generous, reserveOne } from '../../test/support/reserve-one.ts'
import { createLog } from '../platform/process/log.ts'
import { connectRedis, redisReady } from '../platform/stores/redis.ts'
import { Stock } from './stock.ts'

let folder: string
let server: RunningServer
let redis: Redis
beforeAll(async () => {
  folder = await makeScratchFolder()
  server = await startRedis({ dataDir: folder, onStart: (name, id) => void noteProcess(name, id) })
  endWithFile(() => server.stop())
  redis = connectRedis(server.url, createLog('test', 'silent'))
  await redisReady(redis)
})
afterAll(async () => {
  redis.disconnect()
  await server.stop()
  await removeScratchFolder(folder)
})

test('without memory nothing is reserved, and what was reserved is still settled, resent and released', async () => {
  const stock = new Stock(redis, 'full:')
  const sale = {
    saleId: 's',
    epoch: 1,
    title: 'A sale',
    priceCents: 100,
    total: 5,
    left: 5,
    perBuyerLimit: 1,
    opensAtMs: Date.now() - 1_000,
    closesAtMs: Date.now() + 60_000,
  }
  await loadSale({ redis, keyPrefix: 'full:' }, sale)
  await stock.syncClock()
  const name = (buyerId: string) => ({ saleId: 's', reservationId: `s.${buyerId}`, buyerId, quantity: 1 })
  const reserve = (buyerId: string) => reserveOne(stock, sale, name(buyerId), { ...generous, patienceMs: 600_000 })
  for (const buyer of ['ann', 'bob']) expect((await reserve(buyer)).status).toBe('RESERVED')

  await redis.config('SET', 'maxmemory', '1')
  await expect(reserve('carl')).rejects.toThrow(/OOM/)
  expect([await stock.countPending('s'), await stock.countUndecided('s')]).toEqual([2, 2])
  expect(await stock.claimPending('s', 0, 10)).toHaveLength(2)
  await stock.settle('s', 'ORDERED', [{ ...name('ann'), orderId: 'order of ann' }])
  expect(await stock.release(name('ann'), { status: 'CANCELLED', reason: 'UNPAID', giveBack: true })).toBe('RELEASED')
  expect((await stock.readSale('s'))?.left).toBe(4)

  await redis.config('SET', 'maxmemory', '0')
  expect((await reserve('carl')).status).toBe('RESERVED')
  expect((await stock.readSale('s'))?.left).toBe(3)
})
