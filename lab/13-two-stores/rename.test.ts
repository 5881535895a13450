import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { connectDatabase } from '../../core/platform/stores/connect-database.ts'
import { createLog } from '../../core/platform/process/log.ts'
import { isOutage } from '../../core/platform/stores/outage.ts'
import { connectRedis, redisReady } from '../../core/platform/stores/redis.ts'
import { Ledger } from '../../test/support/ledger.ts'
import { startTcpProxy } from '../../test/support/tcp-proxy.ts'
import { createWorld, type World } from '../../test/support/world.ts'
import { rename, titleKey } from './rename.ts'

let world: World
let saleId: string
beforeAll(async () => {
  world = await createWorld()
})
beforeEach(async () => {
  saleId = await new Ledger(world).sale(1)
})
afterAll(() => world.close())

const title = async () => (await world.database.sale.findUniqueOrThrow({ where: { id: saleId } })).title
const copy = () => world.redis.get(titleKey(saleId))

/** Refuses to write, after something else has happened. */
const refusing = (first: () => unknown) => ({
  set: async () => {
    await first()
    throw new Error('OOM command not allowed when used memory > maxmemory')
  },
  del: world.redis.del.bind(world.redis),
})

test('both steps are taken: row and copy say the same', async () => {
  expect(await rename(world.database, world.redis, saleId, 'A better one')).toBe('RENAMED')
  expect([await title(), await copy()]).toEqual(['A better one', 'A better one'])
  expect(await rename(world.database, world.redis, 'nowhere', 'x')).toBe('NO_SUCH_SALE')
})

test('the cache is away: the row is what it was, and so is the copy', async () => {
  await rename(world.database, world.redis, saleId, 'The first')
  const away = connectRedis(world.redisUrl, createLog('test', 'silent'))
  await redisReady(away)
  away.disconnect()
  expect(await rename(world.database, away, saleId, 'The second')).toBe('RESTORED')
  expect([await title(), await copy()]).toEqual(['The first', 'The first'])
})

test('the cache takes it and its answer is lost: the row is restored, and no copy says otherwise', async () => {
  const silent = refusing(() => world.redis.set(titleKey(saleId), 'The second'))
  expect(await rename(world.database, silent, saleId, 'The second')).toBe('RESTORED')
  expect([await title(), await copy()]).toEqual(['A sale', null])
})

test('a concurrent change of the row is not undone', async () => {
  const slow = refusing(() => world.database.sale.update({ where: { id: saleId }, data: { title: 'Theirs' } }))
  expect(await rename(world.database, slow, saleId, 'Mine')).toBe('OVERTAKEN')
  expect(await title()).toBe('Theirs')
})

test('the restore fails as well: the row is ahead of the copy, and the caller hears of it', async () => {
  await rename(world.database, world.redis, saleId, 'The first')
  const url = new URL(world.databaseUrl)
  const proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) })
  url.port = String(proxy.port)
  const database = connectDatabase(url.href, { connections: 10, statementTimeoutMs: 5_000 })
  const error = await rename(
    database,
    refusing(() => proxy.cut()),
    saleId,
    'The second',
  ).catch((reason: unknown) => reason)
  expect(isOutage(error)).toBe(true)
  expect([await title(), await copy()]).toEqual(['The second', 'The first'])
  await database.$disconnect()
  await proxy.close()
})
