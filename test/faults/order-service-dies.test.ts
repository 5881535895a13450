import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { INTAKE } from '../../core/contracts/topology.ts'
import type { Failpoint } from '../../core/platform/process/failpoint.ts'
import { Crowd, soldThrough } from '../support/crowd.ts'
import { DEATHS, dieRepeatedly } from '../support/dying.ts'
import { eventually } from '../support/eventually.ts'
import { recordOrderEvents } from '../support/order-events.ts'
import { lengthOf } from '../support/queues.ts'
import { startSystem, type System } from '../support/system.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

const BUYERS_PER_DEATH = 4
const UNITS = 20

let system: System
beforeAll(async () => {
  system = await startSystem()
})
afterAll(() => system.close())

describe('order service killed before commit / between commit and ack / after ack', () => {
  const KILLED = {
    'before commit': 'placing.beforeCommit',
    'between commit and ack': 'placing.beforeAck',
    'after ack, when Redis was told': 'settling.afterWrite',
  } as const satisfies Record<string, Failpoint>

  test.each(Object.entries(KILLED))('killed %s: every reservation becomes one order', async (_when, at) => {
    const saleId = await system.createSale({ stock: UNITS })
    const crowd = new Crowd(system, saleId)
    await system.stop('order-service')
    await dieRepeatedly('order-service', system.env, at, () => crowd.come(BUYERS_PER_DEATH))
    await system.start('order-service')
    expect(await crowd.sellThrough(UNITS)).toMatchObject(soldThrough(UNITS))
  })

  const AFTER_ACK = 'consumer.afterAck' satisfies Failpoint

  test('killed after ack, before the decision is settled in Redis: the sweeper settles it', async () => {
    const saleId = await system.createSale({ stock: UNITS })
    const crowd = new Crowd(system, saleId)
    await system.stop('order-service')
    await system.stop('cancel-worker')
    const { hostname, port } = new URL(system.world.redisUrl)
    const proxy = await startTcpProxy({ host: hostname, port: Number(port) })
    // Redis hears nothing of what the service says after its start: what it says goes out before the ack.
    await dieRepeatedly(
      'order-service',
      { ...system.env, REDIS_URL: `redis://127.0.0.1:${proxy.port}` },
      AFTER_ACK,
      async () => {
        await eventually(
          'the order service to be ready',
          () =>
            fetch(`${system.env.ORDER_SERVICE_URL}/readyz`).then(
              (answer) => answer.status,
              () => 0,
            ),
          (status) => status === 200,
        )
        proxy.freeze()
        await crowd.come(1)
      },
    )
    await proxy.close()
    // Committed and acknowledged: only the sweeper will look at them again.
    expect(await system.world.database.order.count({ where: { saleId } })).toBe(DEATHS)
    expect(await lengthOf(system.world, INTAKE)).toBe(0)
    expect(await system.world.stock.countUndecided(saleId)).toBe(DEATHS)

    await system.start('cancel-worker')
    await eventually(
      'the decisions to be settled in Redis',
      () => system.world.stock.countUndecided(saleId),
      (undecided) => undecided === 0,
    )
    await system.start('order-service')
    expect(await crowd.sellThrough(UNITS)).toMatchObject(soldThrough(UNITS))
  })
})

describe('outbox relay killed on either side of the confirm', () => {
  const KILLED = {
    'before publish': 'relay.beforePublish',
    'after publish, before confirm': 'publisher.beforeConfirm',
    'after confirm, before the delete is committed': 'relay.beforeCommit',
  } as const satisfies Record<string, Failpoint>

  test.each(Object.entries(KILLED))('killed %s: every event is published at least once', async (_when, at) => {
    const saleId = await system.createSale({ stock: UNITS })
    const crowd = new Crowd(system, saleId)
    const { events, close } = await recordOrderEvents(system.world)
    await system.stop('order-service')
    await dieRepeatedly('order-service', system.env, at, () => crowd.come(BUYERS_PER_DEATH))
    await system.start('order-service')
    expect(await crowd.sellThrough(UNITS)).toMatchObject(soldThrough(UNITS))

    const ids = () => new Set(events.map((event) => event.eventId))
    await eventually(
      'all events',
      () => ids().size,
      (count) => count >= UNITS,
    )
    const orders = await system.world.database.order.findMany({ where: { saleId }, select: { id: true } })
    expect([...new Set(events.map((event) => String(event.orderId)))].sort()).toEqual(orders.map(({ id }) => id).sort())
    expect(ids().size).toBe(UNITS)
    // The oldest was on its way with each service that died, and then once more.
    const times = events.filter((event) => event.eventId === events[0]?.eventId).length
    // More often, where its confirm was late.
    expect(times).toBeGreaterThanOrEqual(at === 'relay.beforePublish' ? 1 : DEATHS + 1)
    await close()
  })
})
