import { afterAll, beforeAll, expect, test } from 'vitest'
import { RunRecord } from '../../dev/run-file.ts'
import { makeScratchFolder, removeScratchFolder } from '../../dev/scratch-folder.ts'
import { startRedis } from '../../dev/servers/redis.ts'
import type { RunningServer } from '../../dev/servers/running-server.ts'
import { eventually } from '../../test/support/eventually.ts'
import { endWithFile, noteProcess } from '../../test/support/left-behind.ts'
import { loadSale } from '../../test/support/load-sale.ts'
import { generous, reserveOne } from '../../test/support/reserve-one.ts'
import { createLog } from '../platform/process/log.ts'
import { COMMAND_TIMEOUT_MS, connectRedis, type RedisClient, redisReady } from '../platform/stores/redis.ts'
import type { SaleFigures } from './sale-figures.ts'
import { Stock } from './stock.ts'

let folder: string
let server: RunningServer
let redis: RedisClient
beforeAll(async () => {
  folder = await makeScratchFolder()
  RunRecord.ofNewFolder(folder)
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

const openSale = (units: number): SaleFigures => ({
  saleId: 's',
  epoch: 1,
  title: 'A sale',
  priceCents: 100,
  total: units,
  left: units,
  perBuyerLimit: 1,
  opensAtMs: Date.now() - 1_000,
  closesAtMs: Date.now() + 60_000,
})

// Without the caller's deadline in the script, 2,000 timed-out purchases took 2,000 units once the server went on.
test('a Redis that was paused takes nothing for buyers who have been told to come back', async () => {
  const stock = new Stock(redis, 'paused:')
  const sale = openSale(500)
  await loadSale({ redis, keyPrefix: 'paused:' }, sale)
  await stock.clock.sync()
  const reserve = (buyerId: string) =>
    reserveOne(stock, sale, { reservationId: `s.${buyerId}`, buyerId }, { ...generous, patienceMs: COMMAND_TIMEOUT_MS })

  const pid = server.pid
  process.kill(pid, 'SIGSTOP')
  const pausedAtMs = Date.now()
  const paused = await Promise.allSettled(Array.from({ length: 200 }, (_, i) => reserve(`b${i}`)))
  await eventually(
    "the callers' deadline to be over",
    () => Date.now(),
    (nowMs) => nowMs > pausedAtMs + COMMAND_TIMEOUT_MS + 50,
  )
  process.kill(pid, 'SIGCONT')
  expect(paused.every((outcome) => outcome.status === 'rejected')).toBe(true)

  await eventually(
    'Redis to answer again',
    () =>
      reserve('fresh').then(
        (outcome) => outcome.status,
        () => 'no answer',
      ),
    (status) => status === 'RESERVED' || status === 'DUPLICATE',
  )
  expect((await stock.readSale('s'))?.left).toBe(499)
})

test('without memory nothing is reserved, and what was reserved is still settled, resent and released', async () => {
  const stock = new Stock(redis, 'full:')
  const sale = openSale(5)
  await loadSale({ redis, keyPrefix: 'full:' }, sale)
  await stock.clock.sync()
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
