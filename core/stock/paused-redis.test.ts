import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeScratchFolder, removeScratchFolder } from '../../dev/scratch-folder.ts'
import { startRedis } from '../../dev/servers/redis.ts'
import type { RunningServer } from '../../dev/servers/running-server.ts'
import { eventually } from '../../test/support/eventually.ts'
import { endWithFile, noteProcess } from '../../test/support/left-behind.ts'
import { loadSale } from '../../test/support/load-sale.ts'
import { generous, reserveOne } from '../../test/support/reserve-one.ts'
import { createLog } from '../platform/process/log.ts'
import { COMMAND_TIMEOUT_MS, connectRedis, redisReady } from '../platform/stores/redis.ts'
import { Stock } from './stock.ts'

let folder: string
let server: RunningServer
beforeAll(async () => {
  folder = await makeScratchFolder()
  server = await startRedis({ dataDir: folder, onStart: (name, id) => void noteProcess(name, id) })
  endWithFile(() => server.stop())
})
afterAll(async () => {
  await server.stop()
  await removeScratchFolder(folder)
})

// Without the caller's deadline in the script, 2,000 timed-out purchases took 2,000 units once the server went on.
test('a Redis that was paused takes nothing for buyers who have been told to come back', async () => {
  const redis = connectRedis(server.url, createLog('test', 'silent'))
  await redisReady(redis)
  const stock = new Stock(redis, 'paused:')
  const sale = {
    saleId: 's',
    epoch: 1,
    title: 'A sale',
    priceCents: 100,
    total: 500,
    left: 500,
    perBuyerLimit: 1,
    opensAtMs: Date.now() - 1_000,
    closesAtMs: Date.now() + 60_000,
  }
  await loadSale({ redis, keyPrefix: 'paused:' }, sale)
  await stock.syncClock()
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
  redis.disconnect()
})
