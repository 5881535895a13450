import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Failpoint } from '../../core/platform/process/failpoint.ts'
import { Crowd, soldThrough } from '../support/crowd.ts'
import { dieRepeatedly } from '../support/dying.ts'
import { startSystem, type System } from '../support/system.ts'

const BUYERS = 4
const UNITS = 20

let system: System
beforeAll(async () => {
  system = await startSystem()
})
afterAll(() => system.close())

const KILLED = {
  'before the fence': 'rebuilder.beforeFence',
  'after the fence, before anything is filled in': 'rebuilder.afterFence',
  'after all is filled in, before the sale opens': 'rebuilder.beforeOpen',
} as const satisfies Record<string, Failpoint>

test.each(Object.entries(KILLED))(
  'cancel worker killed while it rebuilds a sale, %s: the next one opens it, with what is not sold',
  async (_when, at) => {
    const saleId = await system.createSale({ stock: UNITS })
    const crowd = new Crowd(system, saleId)
    await crowd.come(BUYERS)
    await crowd.allAre('ORDERED')
    await system.stop('cancel-worker')
    // As after a start with an older copy: the units of the first buyers are there again, and nothing says that they
    // were sold.
    const key = system.world.stock.keys.sale(saleId)
    await dieRepeatedly('cancel-worker', system.env, at, () =>
      system.world.redis.hset(key, { run_id: 'f'.repeat(40), stock: UNITS }),
    )
    expect((await system.buy(saleId, await system.signIn('too early'))).body).toMatchObject({ code: 'UNAVAILABLE' })
    await system.start('cancel-worker')
    expect(await system.auditAtRest(saleId)).toMatchObject({
      balanced: true,
      sales: [{ sold: BUYERS, redisLeft: UNITS - BUYERS }],
    })
    expect(await new Crowd(system, saleId).sellThrough(UNITS)).toMatchObject(soldThrough(UNITS))
  },
)
