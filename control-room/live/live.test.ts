import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { LiveFrame } from '../../core/contracts/control-room.ts'
import { Registry } from 'prom-client'
import { startHttp } from '../../core/platform/http/http-service.ts'
import { createLog } from '../../core/platform/process/log.ts'
import { eventually } from '../../test/support/eventually.ts'
import { call } from '../../test/support/http-client.ts'
import { type Watcher, watchLive } from '../../test/support/live.ts'
import { startSystem, type System } from '../../test/support/system.ts'
import { startTcpProxy, type TcpProxy } from '../../test/support/tcp-proxy.ts'
import { getLive } from '../routes/live.ts'
import { Broadcast } from './broadcast.ts'

let system: System
let proxies: { redis: TcpProxy; postgres: TcpProxy; rabbitmq: TcpProxy }
const watchers: Watcher[] = []

beforeAll(async () => {
  system = await startSystem()
  const behind = async (url: string, variable: string) => {
    const proxied = new URL(url)
    const proxy = await startTcpProxy({ host: proxied.hostname, port: Number(proxied.port) })
    proxied.port = String(proxy.port)
    return { proxy, setting: { [variable]: proxied.href } }
  }
  const redis = await behind(system.world.redisUrl, 'REDIS_URL')
  const postgres = await behind(system.world.databaseUrl, 'DATABASE_URL')
  const rabbitmq = await behind(system.world.rabbitmqUrl, 'RABBITMQ_URL')
  proxies = { redis: redis.proxy, postgres: postgres.proxy, rabbitmq: rabbitmq.proxy }
  await system.stop('control-room')
  const watched = { READINESS_URLS: `gateway=${system.url('')},order-service=${system.env.ORDER_SERVICE_URL}` }
  await system.start('control-room', { ...redis.setting, ...postgres.setting, ...rabbitmq.setting, ...watched })
})
afterEach(() => {
  for (const watcher of watchers.splice(0)) watcher.leave()
})
afterAll(async () => {
  await system.close()
  await Promise.all(Object.values(proxies).map((proxy) => proxy.close()))
})

async function watch(): Promise<Watcher> {
  const watcher = await watchLive(`http://127.0.0.1:${system.env.CONTROL_ROOM_PORT}`, system.env.ADMIN_TOKEN ?? '')
  watchers.push(watcher)
  return watcher
}

const frame = (watcher: Watcher, what: string, isSo: (frame: LiveFrame) => boolean) =>
  eventually(
    what,
    () => watcher.last(),
    (last) => last !== undefined && isSo(last),
    30_000,
  )

test('a purchase is seen on its way: asked, waiting, ordered, and accounted for', async () => {
  const saleId = await system.createSale({ stock: 5 })
  const watcher = await watch()
  await frame(watcher, 'rates', ({ requests, ledger }) => requests?.accepted === 0 && ledger?.orderedPerSecond === 0)
  const token = await system.signIn('seen')
  expect((await system.buy(saleId, token)).status).toBe(202)
  await eventually(
    'the request',
    () => watcher.frames,
    (frames) => frames.some(({ requests }) => (requests?.accepted ?? 0) > 0),
  )
  await eventually(
    'the order',
    () => watcher.frames,
    (frames) => frames.some(({ ledger }) => (ledger?.orderedPerSecond ?? 0) > 0),
  )
  const last = await frame(
    watcher,
    'the count',
    // On a slow machine a frame may lack what one of the servers did not answer in time.
    ({ orders, sales, queues, ledger, problems }) =>
      orders?.find((each) => each.saleId === saleId)?.unpaid === 1 &&
      sales !== null &&
      queues !== null &&
      ledger !== null &&
      problems?.length === 0,
  )
  expect(last?.sales).toContainEqual(
    expect.objectContaining({ saleId, title: 'A test sale', stock: 5, left: 4, undecided: 0 }),
  )
  expect(last).toMatchObject({
    queues: { intake: 0, deadLetters: 0 },
    ledger: { outbox: 0 },
    crowd: null,
    problems: [],
    processes: null,
  })
  await frame(
    watcher,
    'the audit after it',
    ({ audit, atMs }) => audit?.state === 'accounted' && audit.atMs > (last?.atMs ?? atMs),
  )
})

test('who comes later is shown what was before, and all watchers the same frames', async () => {
  const first = await watch()
  await eventually(
    'frames',
    () => first.frames.length,
    (count) => count >= 2,
  )
  const second = await watch()
  const history = await eventually(
    'the time before',
    () => second.history(),
    (frames) => frames !== undefined,
  )
  expect(history).toEqual(expect.arrayContaining(first.frames.slice(0, 2)))
  const shared = await eventually(
    'a frame',
    () => second.last(),
    (last) => last !== undefined,
  )
  await eventually(
    'the very same one',
    () => first.frames,
    (frames) => frames.some(({ atMs }) => atMs === shared?.atMs),
  )
})

test('what is away is missing, and the rest goes on', async () => {
  const watcher = await watch()
  const all = ({ requests, sales, queues, ledger }: LiveFrame) =>
    [requests, sales, queues, ledger].map((part) => part !== null)
  await frame(watcher, 'everything', (last) => all(last).every(Boolean))
  proxies.redis.cut()
  await frame(watcher, 'no sales, and the rest', (last) => all(last).join() === 'true,false,true,true')
  proxies.rabbitmq.cut()
  await frame(watcher, 'no queues either', (last) => all(last).join() === 'true,false,false,true')
  proxies.postgres.cut()
  await system.stop('gateway')
  await frame(watcher, 'nothing, and still a frame', (last) => !all(last).some(Boolean))
  await frame(
    watcher,
    'the gateway as the only service that is not ready',
    ({ problems }) => problems?.map(({ service, code }) => `${service} ${code}`).join() === 'gateway NOT_ANSWERING',
  )
  for (const proxy of Object.values(proxies)) proxy.restore()
  await system.start('gateway')
  const last = await frame(
    watcher,
    'everything again',
    (now) => all(now).every(Boolean) && now.orders !== null && now.problems?.length === 0,
  )
  expect(last).toMatchObject({ problems: [] })
})

test('one loop makes the frames of all watchers, and stops with the last of them', async () => {
  let made = 0
  const log = createLog('test', 'silent')
  const broadcast = new Broadcast(async () => ({ atMs: ++made }) as LiveFrame, log)
  const server = await startHttp({
    host: '127.0.0.1',
    port: 0,
    log,
    metrics: new Registry(),
    checks: {},
    routes: (app) => {
      app.get('/live', getLive(broadcast))
    },
  })
  const origin = `http://127.0.0.1:${server.port}`
  expect(broadcast.isRunning).toBe(false)
  const both = [await watchLive(origin, 'any'), await watchLive(origin, 'any')]
  for (const { frames } of both)
    await eventually(
      'frames',
      () => frames.length,
      (count) => count >= 2,
    )
  expect(made).toBeLessThan(both.reduce((sum, { frames }) => sum + frames.length, 0))
  expect((await call('HEAD', `${origin}/live`)).status).toBe(200)
  for (const watcher of both) watcher.leave()
  await eventually(
    'rest',
    () => broadcast.isRunning,
    (isRunning) => !isRunning,
  )

  const crowd = await Promise.all(Array.from({ length: 50 }, () => watchLive(origin, 'any')))
  expect(await call('GET', `${origin}/live`)).toMatchObject({ status: 503, body: { code: 'BUSY' } })
  await broadcast.close()
  await eventually('every stream to end', () => crowd.every(({ hasEnded }) => hasEnded()), Boolean)
  await server.close()
})

test('a control room that stops ends its streams, and so can stop at once', async () => {
  const watcher = await watch()
  await system.stop('control-room')
  expect(await eventually('its end', () => watcher.hasEnded(), Boolean)).toBe(true)
})
