import { execa } from 'execa'
import { Cluster, Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, expect, inject, test, vi } from 'vitest'
import { slotOf } from '../core/platform/stores/cluster-slot.ts'
import { TYPESCRIPT_ARGS } from '../core/platform/process/typescript-args.ts'
import { createTokens } from '../core/platform/http/tokens.ts'
import { serverOf, serversOf } from '../core/platform/stores/redis.ts'
import { Moves } from '../core/stock/moves.ts'
import { readHashes } from '../core/stock/read-ledgers.ts'
import { saleFigures } from '../core/stock/sale-figures.ts'
import { SaleAdmin } from '../core/stock/sale-admin.ts'
import { ledgerForBuyer, ledgerName, ledgersOf } from '../core/stock/shards.ts'
import type { Server } from './faults/support/server.ts'
import { Crowd, soldThrough } from './support/crowd.ts'
import { eventually } from './support/eventually.ts'
import { call } from './support/http-client.ts'
import { makeWorld } from './support/make-world.ts'
import { stretched } from './support/patience.ts'
import { startTestCluster, type TestCluster } from './support/redis-cluster.ts'
import { startSystemIn, type System } from './support/start-system.ts'
import { shortOrLong } from './support/thoroughness.ts'

const ENDS_WITHIN_MS = 10_000

let cluster: TestCluster
let system: System
beforeAll(async () => {
  cluster = await startTestCluster()
  const world = await makeWorld({
    databaseUrl: inject('databaseUrl'),
    templateDatabase: inject('templateDatabase'),
    redisUrl: cluster.url,
    rabbitmqUrl: inject('rabbitmqUrl'),
    managementUrl: inject('managementUrl'),
  })
  system = await startSystemIn(world)
})
afterAll(async () => {
  await system.close()
  await cluster.close()
})

// A test that fails leaves a master down, and the next one would take the majority away.
afterEach(() => cluster.whole())

const keyOf = (ledger: string) => system.world.stock.keys.sale(ledger)

test('the shards of a sale are on all masters, and it is sold to the last unit', async () => {
  const saleId = await system.createSale({ stock: 40, shards: 16 })
  const masters = new Set(ledgersOf(saleId, 16).map((ledger) => cluster.masterOf(keyOf(ledger))))
  expect(masters.size).toBe(3)
  expect(await new Crowd(system, saleId).sellThrough(40)).toMatchObject(soldThrough(40))
})

test('a call to a node that has given its slot away fails, and the next one finds the slot', async () => {
  const { client } = cluster
  if (!(client instanceof Cluster)) throw new Error('Expected a client of a cluster')
  const slot = slotOf('anywhere')
  const [master] = client.slots[slot] ?? []
  const other = client.slots.find(([node]) => node !== master)?.[0]
  if (other) client.slots[slot] = [other]
  await expect(client.get('anywhere')).rejects.toThrow('MOVED')
  await eventually(
    'the slot to be found',
    () => client.get('anywhere').catch((error: Error) => error.message),
    (value) => value === null,
  )
})

test('a process that closes its client while this asks which node has which slot ends by itself', async () => {
  const program = `
    import { connectRedis } from './core/platform/stores/redis.ts'
    const client = connectRedis(process.env.REDIS_URL, { warn: console.error })
    const refresh = client.refreshSlotsCache.bind(client)
    client.refreshSlotsCache = (callback) => {
      refresh(callback)
      if (client.status === 'ready') client.disconnect()
    }`
  const args = [...TYPESCRIPT_ARGS, '--input-type=module', '--eval', program]
  const env = { REDIS_URL: cluster.url }
  const ended = await execa(process.execPath, args, { env, timeout: stretched(ENDS_WITHIN_MS), reject: false })
  expect(ended).toMatchObject({ exitCode: 0, timedOut: false, stderr: '' })
})

test('units that move between masters while these are read are counted once', async () => {
  const { redis, keyPrefix, stock } = system.world
  const saleId = await system.createSale({ stock: 64, shards: 16 })
  const ledgers = ledgersOf(saleId, 16)
  const from = serverOf(redis, keyOf(saleId))
  const to = ledgers.findIndex((ledger) => serverOf(redis, keyOf(ledger)) !== from)
  // The target's master is asked only when the source's has answered and the units have moved, however long that takes.
  const { stream, options } = serverOf(redis, keyOf(ledgers[to] ?? ''))
  const { commandTimeout } = options
  delete options.commandTimeout
  const write = stream.write.bind(stream)
  let moving: Promise<void> | undefined
  const delayed = vi.spyOn(stream, 'write').mockImplementation((chunk) => {
    moving ??= from
      .ping()
      .then(() => new Moves(cluster.client, keyPrefix).move({ saleId, epoch: 1, shards: 16 }, 0, to, 3))
    void moving.then(() => write(chunk as Uint8Array))
    return true
  })
  const hashes = await readHashes(redis, stock.keys, ledgers)
  delayed.mockRestore()
  if (commandTimeout !== undefined) options.commandTimeout = commandTimeout
  expect(hashes[0]?.stock).toBe('1')
  expect(saleFigures(saleId, hashes)?.left).toBe(64)
})

/** A sale whose only ledger is on that master, or is not. */
async function saleOn(master: Server, isOn: boolean): Promise<string> {
  for (;;) {
    const saleId = await system.createSale({ stock: 20 })
    if ((cluster.masterOf(keyOf(saleId)) === master) === isOn) return saleId
  }
}

test('a master that is killed closes its own sales only, until they are rebuilt on its replica', async () => {
  const [master] = cluster.nodes as [Server]
  const [onIt, elsewhere] = [await saleOn(master, true), await saleOn(master, false)]
  const [ofIt, ofOthers] = [new Crowd(system, onIt), new Crowd(system, elsewhere)]
  await Promise.all([ofIt.comeInTurn(5), ofOthers.comeInTurn(5)])
  await master.kill()
  const others = await ofOthers.comeInTurn(5)
  expect(others.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202])
  await ofIt.comeInTurn(5)
  expect(await ofOthers.sellThrough(20)).toMatchObject(soldThrough(20))
  expect(await ofIt.sellThrough(20)).toMatchObject(soldThrough(20))
})

type Phase = 'not closed yet' | 'closed' | 'open again'

test('a master that is killed closes only the shards it had: the others of the sale sell on until these are rebuilt', async () => {
  const [SHARDS, UNITS, ENOUGH] = [16, 64, 5]
  const { env, world, url } = system
  const saleId = await system.createSale({ stock: UNITS, shards: SHARDS })
  const ledgers = ledgersOf(saleId, SHARDS)
  const master = cluster.masterOf(keyOf(ledgerName(saleId, 1)))
  const lost = ledgers.filter((ledger) => cluster.masterOf(keyOf(ledger)) === master)
  const saleAdmin = new SaleAdmin(cluster.client, world.keyPrefix)
  const { sign } = createTokens(env.TOKEN_SECRET ?? '')
  let n = 0
  const buyIn = (isWanted: (ledger: string) => boolean) => {
    do n++
    while (!isWanted(ledgerForBuyer({ saleId, shards: SHARDS }, `other-${n}`)))
    const token = sign(`other-${n}`)
    return () => call('POST', url(`/sales/${saleId}/reservations`), { token, body: { quantity: 1 } })
  }
  const phase = async (): Promise<Phase> => {
    const read = await Promise.all(lost.map((ledger) => saleAdmin.read(ledger).catch(() => undefined)))
    const epoch = Math.min(...read.map((shard) => shard?.epoch ?? 0))
    if (epoch === 1 || read.some((shard) => shard === undefined || shard.state === 'LOST')) return 'not closed yet'
    return read.every((shard) => shard?.state === 'OPEN') ? 'open again' : 'closed'
  }
  const sold: Record<Phase, number> = { 'not closed yet': 0, closed: 0, 'open again': 0 }
  // A reservation that the broker has not confirmed: the rebuild waits for it.
  const [unconfirmed, member] = [world.stock.keys.pending(lost[0] ?? ''), 'unconfirmed nobody']
  await cluster.client.zadd(unconfirmed, Date.now(), member)
  await serverOf(cluster.client, unconfirmed).wait(1, 0)
  await master.kill()
  await eventually(
    'the lost shards to be rebuilt',
    async () => {
      const before = await phase()
      if (sold.closed >= ENOUGH) await cluster.client.zrem(unconfirmed, member)
      if (before === 'open again' || sold[before] >= ENOUGH) return before
      // A buyer who meets the moment in which the epoch is raised comes again.
      const buy = buyIn((ledger) => !lost.includes(ledger))
      await eventually('an answer of a shard that is open', buy, ({ status }) => status === 202)
      const after = await phase()
      if (before === after) sold[after]++
      return after
    },
    (now) => now === 'open again',
  )
  expect(sold.closed).toBe(ENOUGH)
  const back = buyIn((ledger) => lost.includes(ledger))
  expect(await eventually('an answer', back, ({ status }) => status !== 503)).toMatchObject({ status: 202 })
  const { sales } = await system.auditAtRest(saleId)
  expect(await new Crowd(system, saleId).sellThrough(sales[0]?.redisLeft ?? 0)).toMatchObject(soldThrough(UNITS))
})

/** What takes long, in the long form. */
const FAULTS: [name: string, play: (saleId: string, crowd: Crowd) => Promise<unknown>][] = [
  ['a slot moves to another master', moveSlot],
  ['its master is paused until its replica has taken over', pauseMaster],
  ['its master is cut off from the majority', isolateMaster],
  ['all nodes are killed and started again', restartAll],
]

for (const [fault, play] of shortOrLong([], FAULTS))
  test(`${fault} while a sale runs: it is sold to the last unit, and none twice`, async () => {
    const saleId = await system.createSale({ stock: 20 })
    const crowd = new Crowd(system, saleId)
    await crowd.comeInTurn(5)
    await play(saleId, crowd)
    expect(await crowd.sellThrough(20)).toMatchObject(soldThrough(20))
  })

async function moveSlot(saleId: string, crowd: Crowd): Promise<void> {
  const source = serverOf(cluster.client, keyOf(saleId))
  const target = serversOf(cluster.client).find((server) => server !== source)
  const slot = Number(await source.call('CLUSTER', 'KEYSLOT', keyOf(saleId)))
  const idOf = async (node: Redis | undefined) => String(await node?.call('CLUSTER', 'MYID'))
  const [sourceId, targetId] = [await idOf(source), await idOf(target)]
  await target?.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', sourceId)
  await source.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', targetId)
  const buying = crowd.comeInTurn(10)
  await eventually(
    'all keys to have moved',
    async () => {
      const keys = (await source.call('CLUSTER', 'GETKEYSINSLOT', slot, 100)) as string[]
      for (const key of keys)
        await source.call('MIGRATE', target?.options.host ?? '', target?.options.port ?? 0, key, 0, 5_000)
      return keys.length
    },
    (left) => left === 0,
  )
  for (const node of [target, source]) await node?.call('CLUSTER', 'SETSLOT', slot, 'NODE', targetId)
  await buying
}

async function pauseMaster(saleId: string, crowd: Crowd): Promise<void> {
  const master = cluster.masterOf(keyOf(saleId))
  master.pause()
  const buying = crowd.comeInTurn(5)
  await eventually(
    'its replica to have taken over',
    () => cluster.masterOf(keyOf(saleId)),
    (found) => found !== master,
  )
  master.resume()
  await buying
}

/** The majority is paused, so that no replica takes over, and the master that is left must stop. */
async function isolateMaster(saleId: string, crowd: Crowd): Promise<void> {
  const master = cluster.masterOf(keyOf(saleId))
  const others = cluster.nodes.filter((node) => node !== master)
  for (const node of others) node.pause()
  await eventually(
    'the master to stop',
    () => on(master, (node) => node.cluster('INFO')),
    (info) => /^cluster_state:fail/m.test(info),
  )
  const buying = crowd.comeInTurn(1)
  for (const node of others) node.resume()
  await buying
}

async function on<Result>({ running }: Server, work: (node: Redis) => Promise<Result>): Promise<Result> {
  const node = new Redis(running.url)
  try {
    return await work(node)
  } finally {
    node.disconnect()
  }
}

async function restartAll(saleId: string): Promise<void> {
  await Promise.all(cluster.nodes.map((node) => node.kill()))
  await Promise.all(cluster.nodes.map((node) => node.start()))
  await eventually(
    'the cluster to answer again',
    () => system.world.stock.readSale(saleId).catch(() => undefined),
    (sale) => sale !== undefined,
  )
}
