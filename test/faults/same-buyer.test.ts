import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { reservationsOf } from '../../core/stock/reservation.ts'
import { freePort } from '../../dev/servers/ports.ts'
import { type Answer, call, callUntilAvailable } from '../support/http-client.ts'
import { inParallel } from '../support/parallel.ts'
import { startProcess } from '../support/service-process.ts'
import { startSystem, type System } from '../support/system.ts'

const LIMIT = 7
const REQUESTS = 100
const DECIDING = ['payment-provider', 'order-service', 'cancel-worker'] as const

let system: System
let gateways: string[]
// Without an order service, so that there is one thing only to be told.
beforeAll(async () => {
  system = await startSystem({}, ['control-room', 'gateway'])
  const port = String(await freePort())
  await startProcess('gateway', { ...system.env, GATEWAY_PORT: port })
  gateways = [system.url(''), `http://127.0.0.1:${port}`]
})
afterEach(async () => {
  for (const service of DECIDING) await system.stop(service)
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

  for (const service of DECIDING) await system.start(service)
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

interface Request {
  key: string | undefined
  quantity: number
}

/** Three requests for each key, one of another quantity; many keys are for one unit, so that the limit can be filled. */
const mixed = Array.from({ length: REQUESTS }, (_, i): Request => {
  const n = Math.floor(i / 3)
  return { key: n === 0 ? undefined : `key-${n}`, quantity: 1 + ((n + (i % 3 === 2 ? 1 : 0)) % 3) }
})

test('the same buyer, 100 requests at once of mixed quantities and keys over two gateways: the limit exactly, and again after a cancellation', async () => {
  const saleId = await system.createSale({ stock: 50, perBuyerLimit: LIMIT })
  const token = await system.signIn('eager for all')
  const { userId } = (await call('POST', system.url('/sessions'), { body: { name: 'eager for all' } })).body

  const rush = () =>
    inParallel(REQUESTS, REQUESTS, (i) => {
      const { key, quantity } = mixed[i] as Request
      return callUntilAvailable('POST', `${gateways[i % 2]}/sales/${saleId}/reservations`, {
        token,
        body: { quantity },
        headers: key === undefined ? {} : { 'idempotency-key': key },
      })
    })
  const inRedis = async () => {
    const { redis, stock } = system.world
    return reservationsOf(saleId, String(userId), await redis.hget(stock.keys.book(saleId), String(userId)))
  }
  const liveInRedis = async () => unitsOf((await inRedis()).filter(({ status }) => isLive(status)))
  const orders = () => system.world.database.order.findMany({ where: { saleId } })

  const held = purchasesIn(await rush())
  expect(unitsOf([...held.values()])).toBe(LIMIT)
  expect(await liveInRedis()).toBe(LIMIT)
  expect((await system.world.stock.readSale(saleId))?.left).toBe(50 - LIMIT)

  for (const service of DECIDING) await system.start(service)
  expect(await system.auditAtRest(saleId)).toMatchObject({
    balanced: true,
    sales: [{ sold: LIMIT, redisLeft: 50 - LIMIT }],
  })
  expect(unitsOf(await orders())).toBe(LIMIT)

  const [first] = held.keys()
  const { orderId } = await system.settled(String(first), token)
  await call('POST', system.url(`/orders/${String(orderId)}/cancellation`), { token })
  await system.settled(String(first), token, ['CANCELLED'])
  const heldThen = purchasesIn(await rush())
  expect(heldThen.has(String(first))).toBe(false)
  expect(await liveInRedis()).toBe(LIMIT)
  expect(await system.auditAtRest(saleId)).toMatchObject({
    balanced: true,
    sales: [{ sold: LIMIT, redisLeft: 50 - LIMIT }],
  })
  expect(unitsOf((await orders()).filter(({ status }) => status === 'PENDING_PAYMENT'))).toBe(LIMIT)
})

const unitsOf = (purchases: { quantity: number }[]) => purchases.reduce((units, { quantity }) => units + quantity, 0)
const isLive = (status: string) => ['RESERVED', 'ORDERED', 'PAID'].includes(status)

/** What the answers say is held, by reservation; each key names one reservation, of the quantity that was asked for. */
function purchasesIn(answers: Answer[]): Map<string, { quantity: number }> {
  const byKey = new Map<string | undefined, string>()
  const held = new Map<string, { quantity: number }>()
  for (const [i, { status, body }] of answers.entries()) {
    const { key, quantity } = mixed[i] as Request
    if (body.code === 'LIMIT_REACHED') continue
    const view = (status === 202 ? body : body.reservation) as { id: string; quantity: number }
    expect([status, view.quantity === quantity]).toEqual(status === 202 ? [202, true] : [422, false])
    expect(byKey.get(key) ?? view.id).toBe(view.id)
    byKey.set(key, view.id)
    held.set(view.id, view)
  }
  return held
}
