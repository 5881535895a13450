import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest'
import { RunRecord } from '../dev/run-file.ts'
import { makeScratchFolder, removeScratchFolder } from '../dev/scratch-folder.ts'
import { startRedis } from '../dev/servers/redis.ts'
import type { RunningServer } from '../dev/servers/running-server.ts'
import type { Server } from './faults/support/server.ts'
import { Crowd, soldThrough } from './support/crowd.ts'
import { eventually } from './support/eventually.ts'
import { endWithFile, noteProcess } from './support/left-behind.ts'
import { makeWorld } from './support/make-world.ts'
import { startTestGroup } from './support/redis-group.ts'
import { startSystemIn, type System } from './support/start-system.ts'
import { startTcpProxy, type TcpProxy } from './support/tcp-proxy.ts'
import { shortOrLong } from './support/thoroughness.ts'

const STOCK = 200
let folder: string
let [old, other]: RunningServer[] = []
let system: System
/** What clients are led to when they connect: the gateway, and all other services. */
const ofGateway = { host: '127.0.0.1', port: 0 }
const ofOthers = { host: '127.0.0.1', port: 0 }
let proxies: TcpProxy[]
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
  ;[old, other] = [await start('old'), await start('other')]
  ofGateway.port = ofOthers.port = portOf(old)
  proxies = [await startTcpProxy(ofGateway), await startTcpProxy(ofOthers)]
  const [gatewayUrl = '', othersUrl = ''] = proxies.map(({ port }) => `redis://127.0.0.1:${port}`)
  const world = await worldOn(old.url)
  await on(other, (redis) => redis.replicaof('127.0.0.1', ofOthers.port))
  await eventually(
    'the replica to have the data',
    () => on(other, (redis) => redis.info('replication')),
    (info) => /^master_link_status:up/m.test(info),
  )
  const others = ['payment-provider', 'order-service', 'cancel-worker', 'control-room'] as const
  system = await startSystemIn(world, { REDIS_URL: othersUrl }, [...others])
  await system.start('gateway', { REDIS_URL: gatewayUrl })
})
afterAll(async () => {
  await system.close()
  await Promise.all([...proxies.map((proxy) => proxy.close()), old?.stop(), other?.stop()])
  await removeScratchFolder(folder)
})

const worldOn = (redisUrl: string) =>
  makeWorld({
    databaseUrl: inject('databaseUrl'),
    templateDatabase: inject('templateDatabase'),
    redisUrl,
    rabbitmqUrl: inject('rabbitmqUrl'),
    managementUrl: inject('managementUrl'),
  })

const portOf = (server: RunningServer) => Number(new URL(server.url).port)

async function on<Result>(server: RunningServer | undefined, work: (redis: Redis) => Promise<Result>): Promise<Result> {
  const redis = new Redis(server?.url ?? '')
  try {
    return await work(redis)
  } finally {
    redis.disconnect()
  }
}

test('a gateway that stays connected to the old primary stops selling there, and goes on at the new one', async () => {
  const saleId = await system.createSale({ stock: STOCK })
  let buyers = 0
  const buy = async () => system.buy(saleId, await system.signIn(`buyer ${buyers++}`))
  /** Buys until it is answered so. @returns the reservations that were accepted meanwhile */
  const buyUntil = async (what: string, isIt: (status: number) => boolean): Promise<string[]> => {
    const accepted: string[] = []
    await eventually(
      what,
      async () => {
        const { status, body } = await buy()
        if (status === 202) accepted.push(String(body.id))
        return status
      },
      isIt,
    )
    return accepted
  }
  await buyUntil('the sale to be open', (status) => status === 202)

  // The old primary lives on, and the gateway's connections to it; all others are led to the new one.
  await on(other, (redis) => redis.replicaof('NO', 'ONE'))
  ofGateway.port = ofOthers.port = portOf(other as RunningServer)
  proxies[1]?.cut()
  proxies[1]?.restore()

  const unknowing = await buyUntil('the gateway to refuse', (status) => status === 503)
  const atNew = await buyUntil('the gateway to sell again', (status) => status === 202)
  for (let i = 0; i < 5; i++) atNew.push(String((await buy()).body.id))
  const endOf = async (reservationId: string) =>
    (await system.world.database.decision.findUnique({ where: { reservationId } }))?.outcome
  const ends = await eventually(
    'all that were accepted to be decided',
    () => Promise.all([...unknowing, ...atNew].map(endOf)),
    (outcomes) => outcomes.every(Boolean),
  )
  expect(new Set(ends.slice(unknowing.length))).toEqual(new Set(['ORDERED']))
  const sold = ends.filter((outcome) => outcome === 'ORDERED').length + 1
  expect(await system.auditAtRest(saleId)).toMatchObject({
    balanced: true,
    sales: [{ sold, redisLeft: STOCK - sold, isOpen: true }],
  })
})

/** Only in the long form: it takes six more servers. */
for (const fault of shortOrLong([], ['killed', 'paused, and goes on later'] as const))
  test(`the primary of a sentinel group is ${fault}: a replica takes over, and no unit is sold twice`, async () => {
    const group = await startTestGroup()
    onTestFinished(() => group.close())
    const ofGroup = await startSystemIn(await worldOn(group.url))
    onTestFinished(() => ofGroup.close())
    const [primary, ...replicas] = group.members as [Server, ...Server[]]
    const saleId = await ofGroup.createSale({ stock: 40 })
    const crowd = new Crowd(ofGroup, saleId)
    await crowd.comeInTurn(10)
    if (fault === 'killed') await primary.kill()
    else primary.pause()
    await crowd.comeInTurn(10)
    if (fault === 'killed') await primary.start()
    else primary.resume()
    expect(await crowd.sellThrough(40)).toMatchObject(soldThrough(40))
    await eventually(
      'the old primary to be a replica of the new one',
      () => Promise.all([primary, ...replicas].map(({ running }) => on(running, roleOf))),
      ([first, ...others]) => first === 'slave' && others.toSorted().join() === 'master,slave',
    )
  })

const roleOf = async (redis: Redis) => String((await redis.role())[0])
