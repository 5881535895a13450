import { afterAll, beforeAll, expect, test } from 'vitest'
import { inParallel } from '../support/parallel.ts'
import { startSystem, type System } from '../support/system.ts'

let system: System
// Without an order service, so that there is one thing only to be told.
beforeAll(async () => {
  system = await startSystem({}, ['control-room', 'gateway'])
})
afterAll(() => system.close())

test('the same buyer, 100 requests at once: one reservation, one decrement, 100 equal answers', async () => {
  const saleId = await system.createSale({ stock: 5 })
  const token = await system.signIn('eager')
  const answers = await inParallel(100, 100, () => system.buyUntilAvailable(saleId, token))
  const told = answers.map(({ status, headers, body }) => JSON.stringify([status, headers.get('location'), body]))
  expect(answers[0]?.status).toBe(202)
  expect([...new Set(told)]).toHaveLength(1)
  expect((await system.world.stock.readSale(saleId))?.left).toBe(4)

  for (const service of ['payment-provider', 'order-service', 'cancel-worker'] as const) await system.start(service)
  expect(await system.auditAtRest(saleId)).toMatchObject({
    balanced: true,
    sales: [{ sold: 1, redisLeft: 4, orders: { PENDING_PAYMENT: 1 } }],
  })
})

test('the same buyer, 100 requests at once for the last unit: none is answered "sold out"', async () => {
  const saleId = await system.createSale({ stock: 1 })
  const token = await system.signIn('eager for the last')
  const answers = await inParallel(100, 100, () => system.buyUntilAvailable(saleId, token))
  expect([...new Set(answers.map(({ status }) => status))]).toEqual([202])
  expect((await system.world.stock.readSale(saleId))?.left).toBe(0)
})
