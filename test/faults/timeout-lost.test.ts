import { afterAll, beforeAll, expect, test } from 'vitest'
import { CANCELLATIONS, waitingRoom } from '../../core/contracts/timeout-topology.ts'
import { Crowd, soldThrough } from '../support/crowd.ts'
import { eventually } from '../support/eventually.ts'
import { lengthOf } from '../support/queues.ts'
import { startSystem, type System } from '../support/system.ts'

const UNITS = 20

let system: System
beforeAll(async () => {
  system = await startSystem({ PAYMENT_WINDOW_SECONDS: '2', DELAY_TRANSPORT: 'queue', SWEEP_GRACE_SECONDS: '0.5' })
})
afterAll(() => system.close())

/** @returns how many messages are left */
async function lose(): Promise<number> {
  const queues = [waitingRoom(2_000), CANCELLATIONS]
  for (const queue of queues)
    await system.world.broker('DELETE', `queues/%VHOST%/${encodeURIComponent(queue)}/contents`)
  const left = await Promise.all(queues.map((queue) => lengthOf(system.world, queue)))
  return left.reduce((sum, length) => sum + length, 0)
}

test('timeout message lost, worker down past the deadline: the sweeper cancels the orders', async () => {
  const saleId = await system.createSale({ stock: UNITS })
  const crowd = new Crowd(system, saleId)
  await system.stop('cancel-worker')
  await crowd.come(UNITS)
  await crowd.allAre('ORDERED')
  // Until the last of them has left the outbox and is lost; a worker that is down takes none that came due meanwhile.
  await eventually(
    'the timeout messages to be sent',
    () => system.world.database.outboxEntry.count(),
    (waiting) => waiting === 0,
  )
  await eventually(
    'all to be overdue',
    () => system.world.database.$queryRaw<unknown[]>`SELECT FROM orders WHERE payment_deadline > now()`,
    (unpaid) => unpaid.length === 0,
  )
  await eventually('all messages to be lost', lose, (left) => left === 0)
  expect(await system.world.database.order.count({ where: { saleId, status: 'PENDING_PAYMENT' } })).toBe(UNITS)

  await system.start('cancel-worker')
  await crowd.allAre('CANCELLED')
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 0, redisLeft: UNITS }] })
  await system.stop('order-service')
  await system.start('order-service', { PAYMENT_WINDOW_SECONDS: '600' })
  expect(await new Crowd(system, saleId).sellThrough(UNITS)).toMatchObject(soldThrough(UNITS))
})
