import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Failpoint } from '../../core/platform/process/failpoint.ts'
import { Crowd, soldThrough, soldTo } from '../support/crowd.ts'
import { DEATHS, dieRepeatedly } from '../support/dying.ts'
import { startSystem, type System } from '../support/system.ts'

/**
 * More than can come until the third death, however long a gateway that is started sells and lives without its broker.
 */
const PLENTY = 100_000
/** A few more than are taken while processes die that send again. */
const UNITS = 20

let system: System
/** One process under the one that watches over it, so that it is the failpoint's. */
const doomed = (): NodeJS.ProcessEnv => ({ ...system.env, GATEWAY_PROCESSES: '1' })

describe('gateway killed after the script, before publish / confirm / answer', () => {
  beforeAll(async () => {
    system = await startSystem()
  })
  afterAll(() => system.close())

  const KILLED = {
    'after the script, before publish': 'purchase.beforePublish',
    'after publish, before confirm': 'publisher.beforeConfirm',
    'after confirm, before the entry is forgotten': 'handOver.beforeForget',
    'after confirm, before answer': 'purchase.beforeAnswer',
  } as const satisfies Record<string, Failpoint>

  test.each(Object.entries(KILLED))(
    'killed %s: the retry gets the same reservation, and all become orders',
    async (_when, at) => {
      const saleId = await system.createSale({ stock: PLENTY })
      const crowd = new Crowd(system, saleId)
      await system.stop('gateway')
      await dieRepeatedly('gateway', doomed(), at, (hasDied) => crowd.comeUntil(hasDied))
      expect((await crowd.held()).size).toBeGreaterThanOrEqual(DEATHS)
      await system.start('gateway')
      expect(await crowd.allServed()).toMatchObject(soldTo(crowd.members.length, PLENTY))
    },
  )

  const RESENDING = {
    'after it took the entries over, before publish': 'resender.beforePublish',
    'after the confirm': 'resender.afterConfirm',
  } as const satisfies Record<string, Failpoint>

  test.each(Object.entries(RESENDING))(
    'killed while resending, %s: no reservation of another dead gateway is lost',
    async (_when, at) => {
      const saleId = await system.createSale({ stock: UNITS })
      const crowd = new Crowd(system, saleId)
      await system.stop('gateway')
      await dieRepeatedly('gateway', doomed(), at, () =>
        Promise.all(Array.from({ length: 4 }, () => crowd.joinUnanswered())),
      )
      await system.start('gateway')
      expect(await crowd.sellThrough(UNITS)).toMatchObject(soldThrough(UNITS))
    },
  )
})

describe('gateway killed while it releases reservations that a full queue refused', () => {
  const FILLING = 12
  beforeAll(async () => {
    system = await startSystem({ INTAKE_QUEUE_MAX_LENGTH: '2' })
  })
  afterAll(() => system.close())

  const KILLED = {
    'before the unit went back': 'takeBack.beforeRelease',
    'after the unit went back': 'takeBack.afterRelease',
  } as const satisfies Record<string, Failpoint>

  test.each(Object.entries(KILLED))('killed %s: a unit is released once or stays with its buyer', async (_when, at) => {
    await system.stop('order-service')
    const saleId = await system.createSale({ stock: PLENTY })
    const crowd = new Crowd(system, saleId)
    for (let i = 0; i < FILLING; i++) await crowd.come(1)
    const waiting = (await crowd.held()).size
    expect(waiting).toBeLessThan(FILLING)

    await system.stop('gateway')
    await dieRepeatedly('gateway', doomed(), at, (hasDied) => crowd.comeUntil(hasDied))
    const held = (await crowd.held()).size - waiting
    // One at least of those who came together, at each death.
    const asExpected = at === 'takeBack.beforeRelease' ? held : crowd.members.length - FILLING - held
    expect(asExpected).toBeGreaterThanOrEqual(DEATHS)
    expect((await system.world.stock.readSale(saleId))?.left).toBe(PLENTY - waiting - held)

    await system.start('order-service')
    await system.start('gateway')
    expect(await crowd.allServed()).toMatchObject(soldTo(crowd.members.length, PLENTY))
  })
})
