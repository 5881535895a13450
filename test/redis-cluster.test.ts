import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { serverOf, serversOf } from '../core/platform/stores/redis.ts'
import { ledgersOf } from '../core/stock/shards.ts'
import { Crowd, soldThrough } from './support/crowd.ts'
import { eventually } from './support/eventually.ts'
import { makeWorld } from './support/make-world.ts'
import { startTestCluster, type TestCluster } from './support/redis-cluster.ts'
import { startSystemIn, type System } from './support/start-system.ts'

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

const keyOf = (ledger: string) => system.world.stock.keys.sale(ledger)

test('the shards of a sale are on all masters, and it is sold to the last unit', async () => {
  const saleId = await system.createSale({ stock: 40, shards: 16 })
  const masters = new Set(ledgersOf(saleId, 16).map((ledger) => cluster.masterOf(keyOf(ledger))))
  expect(masters.size).toBe(3)
  expect(await new Crowd(system, saleId).sellThrough(40)).toMatchObject(soldThrough(40))
})

/** A sale whose only ledger is on that master, or is not. */
async function saleOn(master: TestCluster['nodes'][number], isOn: boolean): Promise<string> {
  for (;;) {
    const saleId = await system.createSale({ stock: 20 })
    if ((cluster.masterOf(keyOf(saleId)) === master) === isOn) return saleId
  }
}

test('a master that is killed closes its own sales only, until they are rebuilt on its replica', async () => {
  const [master] = cluster.nodes as [TestCluster['nodes'][number]]
  const [onIt, elsewhere] = [await saleOn(master, true), await saleOn(master, false)]
  const [ofIt, ofOthers] = [new Crowd(system, onIt), new Crowd(system, elsewhere)]
  await Promise.all([ofIt.comeInTurn(5), ofOthers.comeInTurn(5)])
  await master.kill()
  const others = await ofOthers.comeInTurn(5)
  expect(others.map(({ status }) => status)).toEqual([202, 202, 202, 202, 202])
  await ofIt.comeInTurn(5)
  expect(await ofOthers.sellThrough(20)).toMatchObject(soldThrough(20))
  expect(await ofIt.sellThrough(20)).toMatchObject(soldThrough(20))
  await master.start()
})

test('a slot that moves to another master while its sale runs loses and repeats nothing', async () => {
  const saleId = await system.createSale({ stock: 20 })
  const crowd = new Crowd(system, saleId)
  await crowd.comeInTurn(5)
  const source = serverOf(cluster.client, keyOf(saleId))
  const target = serversOf(cluster.client).find((server) => server !== source)
  const slot = Number(await source.call('CLUSTER', 'KEYSLOT', keyOf(saleId)))
  const [sourceId, targetId] = await Promise.all([source, target].map((node) => node?.call('CLUSTER', 'MYID')))
  await target?.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', String(sourceId))
  await source.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', String(targetId))
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
  for (const node of [target, source]) await node?.call('CLUSTER', 'SETSLOT', slot, 'NODE', String(targetId))
  await buying
  expect(await crowd.sellThrough(20)).toMatchObject(soldThrough(20))
})
