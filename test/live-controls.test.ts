import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from './support/eventually.ts'
import { call } from './support/http-client.ts'
import { startSystem, type System } from './support/system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem()
})
afterAll(() => system.close())

let buyers = 0
const newToken = () => system.signIn(`buyer ${buyers++}`)
const buy = async (saleId: string, quantity = 1) => system.buy(saleId, await newToken(), { quantity })
const change = (saleId: string, body: object, headers: Record<string, string> = {}) =>
  system.controlRoom('PATCH', `/sales/${saleId}`, body, headers)
const changesOf = async (saleId: string) => {
  const { body } = await system.controlRoom('GET', `/changes?sale=${saleId}`)
  return body.changes as { field: string; from: unknown; to: unknown; operator: string; at: string }[]
}
const orders = (saleId: string) => system.world.database.order.findMany({ where: { saleId }, orderBy: { id: 'asc' } })

/** Reservations that are made meanwhile stay in flight. */
async function withoutOrderService(work: () => Promise<void>): Promise<void> {
  await system.stop('order-service')
  try {
    await work()
  } finally {
    await system.start('order-service')
  }
}

async function bought(saleId: string, quantity = 1) {
  const token = await newToken()
  const { status, body } = await system.buy(saleId, token, { quantity })
  expect(status).toBe(202)
  return { id: String(body.id), token }
}

test('a stopped sale refuses every buyer, honours what is reserved, and sells on when it is resumed', async () => {
  const saleId = await system.createSale({ stock: 3 })
  let inFlight = { id: '', token: '' }
  await withoutOrderService(async () => {
    inFlight = await bought(saleId)
    expect(await change(saleId, { isStopped: true }, { operator: encodeURIComponent('王芳') })).toMatchObject({
      status: 200,
      body: { isStopped: true, version: 1 },
    })
    const refused = await buy(saleId)
    expect(refused).toMatchObject({ status: 403, body: { code: 'STOPPED' } })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  })
  expect(await system.settled(inFlight.id, inFlight.token)).toMatchObject({ status: 'ORDERED' })
  await eventually(
    'the shop to say so',
    () => call('GET', system.url(`/sales/${saleId}`)),
    ({ body }) => body.isStopped === true,
  )
  expect(await change(saleId, { isStopped: false })).toMatchObject({ status: 200, body: { isStopped: false } })
  const sold = await bought(saleId)
  expect(await system.settled(sold.id, sold.token)).toMatchObject({ status: 'ORDERED' })
  expect(await changesOf(saleId)).toMatchObject([
    { field: 'isStopped', from: true, to: false, operator: 'admin' },
    { field: 'isStopped', from: false, to: true, operator: '王芳' },
  ])
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true })
})

test.each([1, 4])('the stock of a sale of %i shards is never lowered below what is sold or held', async (shards) => {
  const saleId = await system.createSale({ stock: 20, perBuyerLimit: 5, shards })
  const sold = [await bought(saleId, 5), await bought(saleId, 2)]
  for (const { id, token } of sold) await system.settled(id, token)
  const held: Awaited<ReturnType<typeof bought>>[] = []
  await withoutOrderService(async () => {
    held.push(await bought(saleId, 3))
    expect(await change(saleId, { stock: 9, title: 'Fewer' })).toMatchObject({
      status: 409,
      body: { code: 'STOCK_IN_USE', least: 10 },
    })
    expect(await system.world.stock.readSale(saleId)).toMatchObject({ total: 20, left: 10, title: 'A test sale' })
    expect(await change(saleId, { stock: 10 })).toMatchObject({ status: 200, body: { stock: 10 } })
    expect(await buy(saleId)).toMatchObject({ status: 409, body: { code: 'SOLD_OUT' } })
  })
  for (const { id, token } of held) expect(await system.settled(id, token)).toMatchObject({ status: 'ORDERED' })
  expect(await changesOf(saleId)).toMatchObject([{ field: 'stock', from: 20, to: 10 }])
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true })
})

test('a raised stock is sold at once, also to buyers whom a gateway refuses from memory', async () => {
  const saleId = await system.createSale({ stock: 1, shards: 2 })
  await bought(saleId)
  expect((await buy(saleId)).body.code).toBe('SOLD_OUT')
  expect(await change(saleId, { stock: 4 })).toMatchObject({ status: 200 })
  const token = await newToken()
  await eventually(
    'a unit for the next buyer',
    () => system.buy(saleId, token),
    ({ status }) => status === 202,
  )
  for (let i = 0; i < 2; i++) await bought(saleId)
  expect((await buy(saleId)).body.code).toBe('SOLD_OUT')
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true })
})

test('an order keeps the price and the limit that its reservation saw; the next has the new ones', async () => {
  const saleId = await system.createSale({ stock: 20, priceCents: 1_000, perBuyerLimit: 3 })
  const made: { id: string; token: string }[] = []
  await withoutOrderService(async () => {
    made.push(await bought(saleId, 3))
    // The gateway that reserves next has not refreshed its catalogue, and learns of each change from Redis.
    expect(await change(saleId, { priceCents: 1_500 })).toMatchObject({ status: 200 })
    made.push(await bought(saleId, 3))
    expect(await change(saleId, { perBuyerLimit: 1, priceCents: 0 })).toMatchObject({ status: 200 })
    expect(await buy(saleId, 2)).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } })
    made.push(await bought(saleId))
  })
  const amounts = []
  for (const { id, token } of made) {
    const { status, orderId } = await system.settled(id, token, ['ORDERED', 'PAID', 'REJECTED'])
    const order = (await orders(saleId)).find((one) => one.id === orderId)
    amounts.push([status === 'REJECTED', order?.amountCents, order?.status])
  }
  expect(amounts).toEqual([
    [false, 3_000, 'PENDING_PAYMENT'],
    [false, 4_500, 'PENDING_PAYMENT'],
    [false, 0, 'PAID'],
  ])
  expect(await changesOf(saleId)).toMatchObject([
    { field: 'perBuyerLimit', from: 3, to: 1 },
    { field: 'priceCents', from: 1_500, to: 0 },
    { field: 'priceCents', from: 1_000, to: 1_500 },
  ])
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true })
})

test('what an order may cost is bounded by price and limit together, also when one is changed by itself', async () => {
  const saleId = await system.createSale({ stock: 10, priceCents: 1_000_000_000, perBuyerLimit: 2 })
  for (const [body, path] of [
    [{ perBuyerLimit: 3 }, 'priceCents'],
    [{ priceCents: 1_100_000_000 }, 'priceCents'],
    [{ stock: 10_000_000 }, 'priceCents'],
    [{ closesAt: new Date(1) }, 'closesAt'],
  ] as const)
    expect(await change(saleId, body), JSON.stringify(body)).toMatchObject({
      status: 400,
      body: { code: 'INVALID_REQUEST', errors: [{ path }] },
    })
  expect(await change(saleId, { priceCents: 500_000_000, perBuyerLimit: 4 })).toMatchObject({ status: 200 })
  expect(await changesOf(saleId)).toHaveLength(2)
})

test('the rules of the opening are changed as a whole, told to the shop, and taken away', async () => {
  const lapses = { max: 2, waitSeconds: 60 }
  const saleId = await system.createSale({ opening: { lapses } })
  const shown = async () => (await call('GET', system.url(`/sales/${saleId}`))).body.opening
  const untilShown = (opening: object | undefined) =>
    eventually('the shop to say so', shown, (found) => isDeepStrictEqual(found, opening))
  await untilShown({ lapses })
  const ticket = { fromMinutesBefore: 5, validMinutes: 10, refuseFrom: 80 }
  expect(await change(saleId, { opening: { ticket: { fromMinutesBefore: 5 } } })).toMatchObject({
    status: 200,
    body: { opening: { ticket } },
  })
  await untilShown({ ticket })
  // The same again, in another order of its fields, is no change.
  const again = { ticket: { refuseFrom: 80, validMinutes: 10, fromMinutesBefore: 5 } }
  expect(await change(saleId, { opening: again })).toMatchObject({ status: 200, body: { version: 1 } })
  expect(await change(saleId, { opening: {} })).toMatchObject({ status: 200, body: { opening: {}, version: 2 } })
  await untilShown(undefined)
  expect(await changesOf(saleId)).toMatchObject([
    { field: 'opening', from: { ticket }, to: {} },
    { field: 'opening', from: { lapses }, to: { ticket } },
  ])
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true })
})

test('the second of two operators is told what the first has changed; who names no version, to name one', async () => {
  const saleId = await system.createSale()
  const path = `/sales/${saleId}`
  const seen = (await system.controlRoom('GET', path)).headers.get('etag') ?? ''
  const url = `http://127.0.0.1:${system.env.CONTROL_ROOM_PORT}${path}`
  expect(await call('PATCH', url, { token: system.env.ADMIN_TOKEN, body: { stock: 11 } })).toMatchObject({
    status: 428,
    body: { code: 'VERSION_REQUIRED' },
  })
  const first = await change(saleId, { stock: 12, title: 'Tea' }, { 'if-match': seen, operator: 'ann' })
  expect(first).toMatchObject({ status: 200 })
  expect(await change(saleId, { stock: 13 }, { 'if-match': seen, operator: 'bob' })).toMatchObject({
    status: 412,
    body: {
      code: 'CHANGED_MEANWHILE',
      changes: [
        { field: 'title', from: 'A test sale', to: 'Tea', operator: 'ann' },
        { field: 'stock', from: 10, to: 12, operator: 'ann' },
      ],
    },
  })
  expect(await change(saleId, { stock: 13 }, { 'if-match': first.headers.get('etag') ?? '' })).toMatchObject({
    status: 200,
    body: { version: 2, stock: 13 },
  })
  // What changes nothing is no change.
  expect(await change(saleId, { stock: 13 })).toMatchObject({ status: 200, body: { version: 2 } })
  for (const operator of ['%E0', 'a%0Ab', 'x'.repeat(61)])
    expect(await change(saleId, { stock: 14 }, { operator })).toMatchObject({ status: 400 })
  expect(await system.world.stock.readSale(saleId)).toMatchObject({ total: 13, title: 'Tea' })
})

test('the log has every change of the sales and of the blacklist, page by page', async () => {
  const saleId = await system.createSale()
  for (const stock of [11, 12, 13]) await change(saleId, { stock })
  await system.controlRoom('PATCH', '/blacklist', { list: ['eve', 'mallory'], reason: 'bots' }, { operator: 'ann' })
  await system.controlRoom('PUT', '/blacklist/eve', { reason: 'resells' })
  await system.controlRoom('DELETE', '/blacklist/mallory')
  await system.controlRoom('DELETE', '/blacklist/mallory')
  const read = async (query: string) => (await system.controlRoom('GET', `/changes?${query}`)).body
  const first = await read('limit=3')
  expect(first.changes).toMatchObject([
    { saleId: null, field: 'blacklist', from: { mallory: 'bots' }, to: {} },
    { from: { eve: 'bots' }, to: { eve: 'resells' } },
    { from: {}, to: { eve: 'bots', mallory: 'bots' }, operator: 'ann' },
  ])
  expect((await read(`limit=2&cursor=${String(first.next)}`)).changes).toMatchObject([
    { saleId, from: 12, to: 13 },
    { saleId, from: 11, to: 12 },
  ])
  expect(await changesOf(saleId)).toHaveLength(3)
  for (const query of ['cursor=e30', 'sale=No!', 'limit=0'])
    expect(await system.controlRoom('GET', `/changes?${query}`)).toMatchObject({ status: 400 })
})
