import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Failpoint } from '../../core/platform/process/failpoint.ts'
import { Crowd, soldThrough } from '../support/crowd.ts'
import { dieOnce } from '../support/dying.ts'
import { startSystem, type System } from '../support/system.ts'

/** A few more than are taken until a shard is dry and its gateway dies. */
const UNITS = 20

let system: System
beforeAll(async () => {
  system = await startSystem()
})
afterAll(() => system.close())

const MOVING = {
  'after units have left a shard': 'moving.afterLeave',
  'after they have arrived in another': 'moving.afterArrive',
} as const satisfies Record<string, Failpoint>

test.each(Object.entries(MOVING))(
  'gateway killed while it moves units between shards, %s: none is lost, and none sold twice',
  async (_when, at) => {
    const doomed = { ...system.env, GATEWAY_PROCESSES: '1' }
    const saleId = await system.createSale({ stock: UNITS, shards: 8 })
    const crowd = new Crowd(system, saleId)
    await system.stop('gateway')
    // Once: until a shard runs dry most units are sold.
    await dieOnce('gateway', doomed, at, (hasDied) => crowd.comeUntil(hasDied))
    await system.start('gateway')
    expect(await crowd.sellThrough(UNITS)).toMatchObject(soldThrough(UNITS))
  },
)
