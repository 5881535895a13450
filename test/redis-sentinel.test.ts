import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { Redis } from 'ioredis'
import { Crowd, soldThrough } from './support/crowd.ts'
import { eventually } from './support/eventually.ts'
import { makeWorld } from './support/make-world.ts'
import { startTestGroup, type TestGroup } from './support/redis-group.ts'
import { startSystemIn, type System } from './support/start-system.ts'

let group: TestGroup
let system: System
beforeAll(async () => {
  group = await startTestGroup()
  const world = await makeWorld({
    databaseUrl: inject('databaseUrl'),
    templateDatabase: inject('templateDatabase'),
    redisUrl: group.url,
    rabbitmqUrl: inject('rabbitmqUrl'),
    managementUrl: inject('managementUrl'),
  })
  system = await startSystemIn(world)
})
afterAll(async () => {
  await system.close()
  await group.close()
})

test('the primary is killed while a sale runs: a replica takes over, and the sale goes on without a unit too many', async () => {
  const [primary, ...replicas] = group.members as [TestGroup['members'][number], ...TestGroup['members']]
  const saleId = await system.createSale({ stock: 40 })
  const crowd = new Crowd(system, saleId)
  await crowd.comeInTurn(10)
  await primary.kill()
  await crowd.comeInTurn(10)
  expect(await crowd.sellThrough(40)).toMatchObject(soldThrough(40))

  await primary.start()
  await eventually(
    'the killed primary to be a replica of the new one',
    () => roleOf(primary),
    (role) => role === 'slave',
  )
  expect((await Promise.all(replicas.map(roleOf))).toSorted()).toEqual(['master', 'slave'])
})

async function roleOf({ running }: TestGroup['members'][number]): Promise<string> {
  const redis = new Redis(running.url)
  try {
    return String((await redis.role())[0])
  } finally {
    redis.disconnect()
  }
}
