import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createLog } from '../core/platform/process/log.ts'
import { chooseDelayTransport } from '../core/platform/rabbit/delay.ts'
import { startSystem, type System } from './support/system.ts'

/** The broker's own word on which exchange types it has. */
async function brokerHasPlugin(): Promise<boolean> {
  const management = new URL(inject('managementUrl'))
  const authorization = `Basic ${Buffer.from(`${management.username}:${management.password}`).toString('base64')}`
  const overview = (await fetch(new URL('/api/overview', management.origin), { headers: { authorization } }).then(
    (answer) => answer.json(),
  )) as { exchange_types: { name: string }[] }
  return overview.exchange_types.some((type) => type.name === 'x-delayed-message')
}

/** Without a worker while an order is looked at that is to be there still: it lapses within a second. */
async function lapseAndSellAgain(system: System): Promise<void> {
  await system.stop('cancel-worker')
  const saleId = await system.createSale({ stock: 1 })
  const [first, second] = [await system.signIn('dreamer'), await system.signIn('waiting')]
  const { body } = await system.buy(saleId, first)
  expect((await system.settled(String(body.id), first)).status).toBe('ORDERED')
  expect((await system.buy(saleId, second)).body.code).toBe('SOLD_OUT')

  await system.start('cancel-worker')
  expect(await system.settled(String(body.id), first, ['CANCELLED'])).toMatchObject({ reason: 'UNPAID' })
  await system.stop('cancel-worker')
  const next = await system.buy(saleId, second)
  expect(next.status).toBe(202)
  expect((await system.settled(String(next.body.id), second, ['ORDERED'])).status).toBe('ORDERED')
  await system.start('cancel-worker')
  expect((await system.auditAtRest(saleId)).balanced).toBe(true)
}

test('an unpaid order is cancelled by its timeout message, through every transport the broker has', async () => {
  const transports = ['queue', ...((await brokerHasPlugin()) ? ['plugin'] : [])]
  for (const transport of transports) {
    // Sweepers as good as off: it is the message that cancels.
    const system = await startSystem({
      PAYMENT_WINDOW_SECONDS: '1',
      DELAY_TRANSPORT: transport,
      SWEEP_INTERVAL_SECONDS: '3600',
    })
    try {
      await lapseAndSellAgain(system)
    } finally {
      await system.close()
    }
  }
  expect(transports).toContain('queue')
})

test('"auto" asks the broker and takes what it has', async () => {
  const transport = await chooseDelayTransport(inject('rabbitmqUrl'), 'auto', 1_000, createLog('test', 'silent'))
  expect(transport.kind).toBe((await brokerHasPlugin()) ? 'plugin' : 'queue')
})

describe('without its messages', () => {
  let system: System
  beforeAll(async () => {
    system = await startSystem({ SWEEP_GRACE_SECONDS: '0.5', RESERVATION_LIFETIME_SECONDS: '2' })
  })
  afterAll(async () => {
    await system.close()
  })

  test('a reservation whose message was lost is fenced by a tombstone, then given back, and the late message meets it', async () => {
    const saleId = await system.createSale({ stock: 1 })
    await system.stop('order-service')
    const token = await system.signIn('unlucky')
    const { body } = await system.buy(saleId, token)
    const reservationId = String(body.id)

    expect(await system.settled(reservationId, token, ['REJECTED'])).toMatchObject({ reason: 'EXPIRED' })
    expect((await system.world.stock.readSale(saleId))?.left).toBe(1)
    expect(await system.world.database.decision.findUnique({ where: { reservationId } })).toMatchObject({
      outcome: 'REJECTED',
      reason: 'EXPIRED',
    })

    // The message was in the queue all the time; the order service drops it now, and gives nothing back a second time.
    await system.start('order-service')
    expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ redisLeft: 1, sold: 0 }] })
    expect(await system.world.database.order.count({ where: { saleId } })).toBe(0)
  })
})
