import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { redisUser } from '../../../test/support/redis-user.ts'
import { startTcpProxy, type TcpProxy } from '../../../test/support/tcp-proxy.ts'
import { createWorld, type World } from '../../../test/support/world.ts'
import { connectDatabase } from './connect-database.ts'
import type { Database } from './database.ts'
import { isOutage } from './outage.ts'

let world: World
let proxy: TcpProxy
let database: Database
beforeAll(async () => {
  world = await createWorld()
  const url = new URL(world.databaseUrl)
  proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) })
  url.port = String(proxy.port)
  database = connectDatabase(url.href, { connections: 10, statementTimeoutMs: 5_000 })
})
afterAll(async () => {
  await database.$disconnect()
  await proxy.close()
  await world.close()
})

const reply = (message: string) => Object.assign(new Error(message), { name: 'ReplyError' })

test.each([
  'LOADING',
  'OOM',
  'READONLY',
  'MISCONF',
  'BUSY',
  'TRYAGAIN',
  'CLUSTERDOWN',
  'MASTERDOWN',
  'NOREPLICAS',
  'NOPERM',
  'NOAUTH',
  'WRONGPASS',
])('the reply %s of Redis is an outage', (code) => {
  expect(isOutage(reply(`${code} is what it says`))).toBe(true)
})

test('a fault in a script or a command is no outage', async () => {
  const { redis, keyPrefix } = world
  await redis.set(`${keyPrefix}text`, 'text')
  const faults = await Promise.all(
    [
      redis.hget(`${keyPrefix}text`, 'field'),
      redis.eval('return redis.call("HGET", KEYS[1], "field")', 1, `${keyPrefix}text`),
      redis.eval('return 1 + nil', 0),
      redis.eval('this is not Lua', 0),
      redis.call('NO_SUCH_COMMAND'),
    ].map((call) =>
      call.then(
        () => 'no fault',
        (error: unknown) => error,
      ),
    ),
  )
  expect(faults.map((fault) => [String(fault), fault instanceof Error, isOutage(fault)])).toEqual(
    faults.map((fault) => [String(fault), true, false]),
  )
})

test('a right that our Redis user lacks is an outage, also inside a script', async () => {
  const user = await redisUser(world)
  const redis = new Redis(user.url)
  const faults = await Promise.all(
    [
      redis.lpush(`${world.keyPrefix}list`, 'x'),
      redis.eval('return redis.call("LPUSH", KEYS[1], "x")', 1, `${world.keyPrefix}list`),
    ].map((call) => call.catch((error: unknown) => error)),
  )
  expect(faults.map(isOutage)).toEqual([true, true])
  redis.disconnect()
  await user.drop()
})

test('a connection to PostgreSQL that breaks is an outage, however it breaks', async () => {
  const works: (() => Promise<unknown>)[] = [
    () => database.$queryRaw`SELECT 1`,
    () => database.sale.findMany(),
    () =>
      database.$transaction(async (tx) => {
        await tx.$queryRaw`SELECT 1`
      }),
  ]
  const breaks: (() => void)[] = [() => proxy.cut(), () => proxy.reset(), () => proxy.loseAnswers('')]
  const faults: unknown[] = []
  for (const breakOff of breaks) {
    await Promise.all(works.map((work) => work()))
    const running = Promise.allSettled(works.map((work) => work()))
    breakOff()
    const refused = await Promise.allSettled(works.map((work) => work()))
    for (const outcome of [...(await running), ...refused])
      if (outcome.status === 'rejected') faults.push(outcome.reason)
    proxy.restore()
  }
  expect(faults.length).toBeGreaterThan(breaks.length * 3)
  expect(faults.filter((fault) => !isOutage(fault))).toEqual([])
})

test('a transaction that was discarded is an outage when the command that was refused is', () => {
  const discarded = (refused: string) =>
    Object.assign(reply('EXECABORT Transaction discarded because of previous errors.'), {
      previousErrors: [reply(refused)],
    })
  expect(isOutage(discarded('MOVED 5 127.0.0.1:7001'))).toBe(true)
  expect(isOutage(discarded('ERR wrong number of arguments'))).toBe(false)
})
