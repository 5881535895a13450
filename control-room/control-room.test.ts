import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../test/support/eventually.ts'
import { call } from '../test/support/http-client.ts'
import { startSystem, type System } from '../test/support/system.ts'
import { startTcpProxy, type TcpProxy } from '../test/support/tcp-proxy.ts'

let system: System
let broker: TcpProxy

beforeAll(async () => {
  system = await startSystem({}, [])
  const url = new URL(system.world.rabbitmqUrl)
  broker = await startTcpProxy({ host: url.hostname, port: Number(url.port) })
  url.port = String(broker.port)
  await system.start('control-room', { RABBITMQ_URL: url.href })
})
afterAll(async () => {
  await system.close()
  await broker.close()
})

test('without a token one is asked to sign in, with another one is refused, on every route', async () => {
  const origin = `http://127.0.0.1:${system.env.CONTROL_ROOM_PORT}`
  for (const path of ['/sales', '/figures', '/audit', '/nowhere']) {
    expect(await call('GET', origin + path)).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } })
    expect(await call('GET', origin + path, { token: 'x'.repeat(48) })).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } })
  }
  for (const path of ['/livez', '/readyz', '/metrics']) expect(await call('GET', origin + path)).toMatchObject({ status: 200 })
})

test('a new sale is loaded at once, and its id is taken', async () => {
  const saleId = await system.createSale({ stock: 7 })
  expect(await system.world.stock.readSale(saleId)).toMatchObject({ epoch: 1, left: 7, total: 7 })
  const { body } = await system.controlRoom('GET', '/sales')
  expect(body.sales).toContainEqual(expect.objectContaining({ id: saleId, stock: 7, sold: 0, epoch: 1 }))
  expect(await system.controlRoom('POST', '/sales', {
    id: saleId, title: 'Again', priceCents: 1, stock: 1, opensAt: new Date(0), closesAt: new Date(),
  })).toMatchObject({ status: 409, body: { code: 'SALE_EXISTS' } })
})

test('the blacklist reaches every loaded sale, and leaves it again', async () => {
  const saleId = await system.createSale()
  const isListed = () => system.world.redis.sismember(system.world.stock.keys.blacklist(saleId), 'eve')
  expect(await system.controlRoom('PUT', '/blacklist/eve', { reason: 'resells' })).toMatchObject({ status: 200 })
  expect(await isListed()).toBe(1)
  expect(await system.controlRoom('DELETE', '/blacklist/eve')).toMatchObject({ status: 204 })
  expect(await isListed()).toBe(0)
})

test('a coupon is made, and changed, as often as one says so; points add up', async () => {
  expect(await system.controlRoom('PUT', '/coupons/SPRING-1', { discountCents: 500 })).toMatchObject({ status: 200, body: { code: 'SPRING-1', status: 'AVAILABLE', buyerId: null } })
  expect(await system.controlRoom('PUT', '/coupons/SPRING-1', { discountCents: 700, buyerId: 'eve' })).toMatchObject({ status: 200, body: { discountCents: 700, buyerId: 'eve' } })
  expect(await system.world.database.coupon.findMany({ where: { code: 'SPRING-1' } })).toMatchObject([{ discountCents: 700, buyerId: 'eve', status: 'AVAILABLE' }])
  expect(await system.controlRoom('POST', '/points/eve', { points: 40 })).toMatchObject({ status: 201, body: { buyerId: 'eve', points: 40 } })
  expect(await system.controlRoom('POST', '/points/eve', { points: 2 })).toMatchObject({ status: 201, body: { points: 42 } })
})

test('sagas are listed by state, those that stand still for longest first, and counted', async () => {
  const [old, young, done] = [randomUUID(), randomUUID(), randomUUID()]
  const saga = (orderId: string, state: 'RUNNING' | 'DONE', dueAt: string) => ({ orderId, saleId: 'sale', state, step: 'order.created', dueAt: new Date(dueAt) })
  await system.world.database.saga.createMany({ data: [saga(done, 'DONE', '2026-01-01'), saga(young, 'RUNNING', '2026-01-03'), saga(old, 'RUNNING', '2026-01-02')] })
  const ids = (body: Record<string, unknown>) => (body.sagas as { orderId: string }[]).map(({ orderId }) => orderId)
  const all = await system.controlRoom('GET', '/sagas')
  expect(all).toMatchObject({ status: 200, body: { counts: { RUNNING: 2, DONE: 1, COMPENSATING: 0, COMPENSATED: 0 } } })
  expect(ids(all.body)).toEqual([old, young, done])
  expect(ids((await system.controlRoom('GET', '/sagas?state=DONE')).body)).toEqual([done])
  const metrics = () => fetch(`http://127.0.0.1:${system.env.CONTROL_ROOM_PORT}/metrics`).then((answer) => answer.text())
  await eventually('the gauge', metrics, (text) => /seckill_sagas\{.*state="RUNNING".*\} 2/.test(text))
})

test('the window moves in both ledgers, and never closes before it opens', async () => {
  const saleId = await system.createSale()
  const closesAt = new Date(Date.now() + 7_200_000)
  expect(await system.controlRoom('PATCH', `/sales/${saleId}`, { closesAt })).toMatchObject({ status: 200, body: { closesAt: closesAt.toISOString() } })
  expect(await system.world.stock.readSale(saleId)).toMatchObject({ closesAtMs: closesAt.getTime() })
  // Nothing accepted in the wider window becomes wrong by narrowing it.
  const sooner = new Date(Date.now() + 60_000)
  expect(await system.controlRoom('PATCH', `/sales/${saleId}`, { opensAt: new Date(1), closesAt: sooner })).toMatchObject({ status: 200 })
  expect(await system.world.database.sale.findUnique({ where: { id: saleId } })).toMatchObject({ closesAt: sooner, earliestOpensAt: new Date(1), latestClosesAt: closesAt })
  expect(await system.controlRoom('PATCH', `/sales/${saleId}`, { closesAt: new Date(0) })).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } })
  expect(await system.controlRoom('PATCH', '/sales/nowhere', { closesAt })).toMatchObject({ status: 404 })
})

test('what no part of the system could hold is refused with what was expected', async () => {
  const saleId = await system.createSale()
  const sale = { id: 'odd', title: 'Odd', priceCents: 1, stock: 1, opensAt: new Date(), closesAt: new Date(Date.now() + 60_000) }
  const refused: [string, string, unknown][] = [
    ['PATCH', '/sales/%00', { closesAt: new Date() }],
    ['PATCH', `/sales/${saleId}`, { closesAt: '9999-12-31T23:59:59-23:59' }],
    ['PATCH', `/sales/${saleId}`, {}],
    ['POST', '/sales', { ...sale, title: 'a\u0000b' }],
    ['POST', '/sales', { ...sale, stock: 0 }],
    ['POST', '/sales', { ...sale, priceCents: 0.5 }],
    ['POST', '/sales', { ...sale, closesAt: sale.opensAt }],
    ['PUT', '/blacklist/eve', { reason: 'a\u0000b' }],
    ['PUT', '/blacklist/%00', { reason: 'bots' }],
    ['PUT', '/blacklist/%E0', { reason: 'bots' }],
    ['PUT', '/coupons/A%20B', { discountCents: 1 }],
    ['PUT', '/coupons/A', { discountCents: -1 }],
    ['PUT', '/coupons/A', { discountCents: 1, status: 'AVAILABLE' }],
    ['POST', '/points/eve', { points: 0 }],
    ['POST', '/points/%00', { points: 1 }],
    ['GET', '/sagas?state=LOST', undefined],
    ['GET', '/sagas?state=DONE&state=DONE', undefined],
  ]
  for (const [method, path, body] of refused) {
    expect(await system.controlRoom(method, path, body), `${method} ${path} ${JSON.stringify(body)}`).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } })
  }
})

test('a sale that does not exist is not called balanced', async () => {
  expect(await system.controlRoom('GET', '/audit?sale=nowhere')).toMatchObject({ status: 404 })
  expect(await system.controlRoom('GET', '/audit?sale=No!')).toMatchObject({ status: 400 })
})

test('without the broker the figures say so, and nothing is called accounted for', async () => {
  const saleId = await system.createSale({ stock: 4 })
  const figures = () => system.controlRoom('GET', '/figures')
  expect((await figures()).body).toMatchObject({ queues: { intake: 0, deadLetters: 0 }, outbox: 0 })
  broker.cut()
  const { status, body } = await figures()
  expect({ status, queues: body.queues }).toEqual({ status: 200, queues: null })
  expect(body.sales).toContainEqual(expect.objectContaining({ saleId, stock: 4, left: 4, sold: 0, pending: 0, undecided: 0 }))
  expect(await system.controlRoom('GET', '/audit')).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } })
  broker.restore()
  await eventually('the queues to be counted again', figures, ({ body }) => body.queues !== null)
})
