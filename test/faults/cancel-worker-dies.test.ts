import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { INTAKE } from '../../core/contracts/topology.ts'
import type { Failpoint } from '../../core/platform/process/failpoint.ts'
import { Crowd, soldThrough } from '../support/crowd.ts'
import { dieRepeatedly } from '../support/dying.ts'
import { batchOf, publishTo } from '../support/queues.ts'
import { startSystem, type System } from '../support/system.ts'

const BUYERS_PER_DEATH = 4
const UNITS = 20

let system: System
beforeAll(async () => {
  system = await startSystem()
})
afterAll(() => system.close())

const NOTHING_SOLD = { balanced: true, quiet: true, sales: [{ sold: 0, redisLeft: UNITS }] }
/** The same buyers may buy again. */
const sellAgain = (saleId: string) => new Crowd(system, saleId).sellThrough(UNITS)

async function restart(
  service: 'order-service' | 'cancel-worker',
  settings: Record<string, string> = {},
): Promise<void> {
  await system.stop(service)
  await system.start(service, settings)
}

describe('cancel worker killed before / after the UPDATE / before the release', () => {
  const KILLED = {
    'before the UPDATE': 'cancelling.beforeUpdate',
    'after the UPDATE, before the release': 'cancelling.beforeRelease',
    'after the release, before it is written down': 'settling.beforeMarked',
  } as const satisfies Record<string, Failpoint>

  test.each(Object.entries(KILLED))('killed %s: every order lapses, and its unit goes back once', async (_when, at) => {
    const saleId = await system.createSale({ stock: UNITS })
    const crowd = new Crowd(system, saleId)
    await restart('order-service', { PAYMENT_WINDOW_SECONDS: '1' })
    await system.stop('cancel-worker')
    await dieRepeatedly('cancel-worker', system.env, at, () => crowd.come(BUYERS_PER_DEATH))
    await system.start('cancel-worker')
    await crowd.allAre('CANCELLED')
    await restart('order-service')
    expect(await system.auditAtRest(saleId)).toMatchObject(NOTHING_SOLD)
    expect(await sellAgain(saleId)).toMatchObject(soldThrough(UNITS))
  })
})

describe('sweeper killed after the tombstone, before the release', () => {
  const AT = 'sweeper.beforeRelease' satisfies Failpoint

  test('killed there: each unit goes back once, and a late message finds the tombstone', async () => {
    const saleId = await system.createSale({ stock: UNITS })
    const crowd = new Crowd(system, saleId)
    const lost: object[] = []
    const impatient = { RESERVATION_LIFETIME_SECONDS: '1', SWEEP_GRACE_SECONDS: '0.5' }
    // They are not resent, because the broker had confirmed them before it lost them.
    await system.stop('gateway')
    await system.stop('cancel-worker')
    await dieRepeatedly('cancel-worker', { ...system.env, ...impatient }, AT, async () => {
      const { reservationId, buyerId } = await crowd.joinUnanswered()
      await system.world.stock.confirmed(saleId, [{ reservationId, buyerId }])
      lost.push({
        reservationId,
        saleId,
        buyerId,
        quantity: 1,
        epoch: 1,
        reservedAtMs: await system.world.stock.clock.read(),
      })
    })
    await system.start('gateway')
    await system.start('cancel-worker', impatient)
    await crowd.allAre('REJECTED')
    await restart('cancel-worker')
    await publishTo(system.world, INTAKE, INTAKE, batchOf(...lost))
    expect(await system.auditAtRest(saleId)).toMatchObject(NOTHING_SOLD)
    expect(await sellAgain(saleId)).toMatchObject(soldThrough(UNITS))
    expect(
      await system.world.database.decision.count({ where: { saleId, outcome: 'REJECTED', reason: 'EXPIRED' } }),
    ).toBe(lost.length)
  })
})
