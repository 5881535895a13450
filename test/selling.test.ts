import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from './support/eventually.ts'
import { call } from './support/http-client.ts'
import { inParallel } from './support/parallel.ts'
import { startSystem, type System } from './support/system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem()
})
afterAll(async () => {
  await system.close()
})

describe('a rush', () => {
  test('1,000 buyers for 100 units in parallel make exactly 100 orders, and every buyer hears the outcome', async () => {
    const saleId = await system.createSale({ stock: 100 })
    const tokens = await inParallel(1_000, 50, (i) => system.signIn(`rush ${i}`))
    const answers = await inParallel(1_000, 100, (i) => system.buyUntilAvailable(saleId, tokens[i] ?? ''))

    const accepted = answers.flatMap((answer, i) =>
      answer.status === 202 ? [{ id: String(answer.body.id), token: tokens[i] ?? '' }] : [],
    )
    expect(accepted).toHaveLength(100)
    expect(answers.filter((answer) => answer.body.code === 'SOLD_OUT')).toHaveLength(900)
    const ends = await inParallel(100, 20, (i) => system.settled(accepted[i]?.id ?? '', accepted[i]?.token ?? ''))
    expect(new Set(ends.map((end) => end.status))).toEqual(new Set(['ORDERED']))
    expect(await system.world.database.order.count({ where: { saleId } })).toBe(100)
    expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true })
  })

  test('a buyer who comes back after the last unit went still gets the reservation they hold', async () => {
    const saleId = await system.createSale({ stock: 1 })
    const token = await system.signIn('last')
    const first = await system.buy(saleId, token)
    expect((await system.buy(saleId, await system.signIn('too late'))).body.code).toBe('SOLD_OUT')
    expect((await system.buy(saleId, token)).body.id).toBe(first.body.id)
  })
})

test('while columns change their types, orders are placed, read and cancelled, and only once', async () => {
  const saleId = await system.createSale({ stock: 20 })
  const columns = [
    ['sales', 'id'],
    ['orders', 'buyer_id'],
    ['decisions', 'reservation_id'],
  ]
  const change = (type: string) =>
    inParallel(columns.length, 1, (i) => {
      const [table, column] = columns[i] ?? []
      return eventually(
        'the column to change',
        () =>
          system.world.database.$executeRawUnsafe(`ALTER TABLE ${table} ALTER COLUMN ${column} TYPE ${type}`).then(
            () => true,
            () => false,
          ),
        (done) => done,
      )
    })
  const buyOne = async (i: number) => {
    const token = await system.signIn(`altering ${i}`)
    const { orderId } = await system.settled(String((await system.buy(saleId, token)).body.id), token, ['ORDERED'])
    return { token, path: `/orders/${String(orderId)}` }
  }
  // The services have prepared their statements before the change.
  const before = await inParallel(3, 3, buyOne)
  const during = inParallel(6, 2, (i) => buyOne(3 + i))
  await change('varchar(100)')
  for (const { path, token } of [...before, ...(await during), await buyOne(9)]) {
    const read = await eventually(
      'the order to be read',
      () => call('GET', system.url(path), { token }),
      ({ status }) => status !== 503,
    )
    expect(read).toMatchObject({ status: 200, body: { status: 'PENDING_PAYMENT' } })
    const cancelled = await eventually(
      'the order to be cancelled',
      () => call('POST', system.url(`${path}/cancellation`), { token }),
      ({ status }) => status !== 503,
    )
    expect(cancelled).toMatchObject({ status: 200, body: { status: 'CANCELLED' } })
  }
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 0, redisLeft: 20 }] })
  await change('text')
})

describe('who may buy', () => {
  test("no buyer before the sale opens; the refusal tells the server's time and when to come back", async () => {
    const saleId = await system.createSale({ opensInMs: 3_000_000 })
    const beforeMs = Date.now()
    const answer = await system.buy(saleId, await system.signIn('early'))
    expect(answer).toMatchObject({ status: 403, body: { code: 'NOT_STARTED' } })
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(2_000)
    const serverTimeMs = Date.parse(String(answer.body.serverTime))
    // Redis' clock and ours are one, but not read in the same millisecond.
    expect(serverTimeMs).toBeGreaterThanOrEqual(beforeMs - 1)
    expect(serverTimeMs).toBeLessThanOrEqual(Date.now() + 1)
  })

  test('no buyer after it has ended', async () => {
    const saleId = await system.createSale({ opensInMs: -60_000, closesInMs: -1_000 })
    expect(await system.buy(saleId, await system.signIn('late'))).toMatchObject({
      status: 403,
      body: { code: 'ENDED' },
    })
  })

  test('no buyer on the blacklist, until taken off it', async () => {
    const saleId = await system.createSale()
    const { body } = await call('POST', system.url('/sessions'), { body: { name: 'scalper' } })
    await system.controlRoom('PUT', `/blacklist/${String(body.userId)}`, { reason: 'bought to resell' })
    expect(await system.buy(saleId, String(body.token))).toMatchObject({ status: 403, body: { code: 'NOT_ELIGIBLE' } })
    await system.controlRoom('DELETE', `/blacklist/${String(body.userId)}`)
    expect((await system.buy(saleId, String(body.token))).status).toBe(202)
  })

  test('no buyer without a valid token', async () => {
    const saleId = await system.createSale()
    expect(await system.buy(saleId, 'not-a-token')).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } })
  })

  test('not more units than the sale allows one buyer', async () => {
    const saleId = await system.createSale({ stock: 10, perBuyerLimit: 3 })
    const token = await system.signIn('family')
    expect(await system.buy(saleId, token, { quantity: 4 })).toMatchObject({
      status: 400,
      body: { code: 'INVALID_REQUEST' },
    })
    expect((await system.buy(saleId, token, { quantity: 3 })).status).toBe(202)
    expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 3, redisLeft: 7 }] })
  })

  test('not in a sale that does not exist', async () => {
    const token = await system.signIn('lost')
    expect((await system.buy('nowhere', token)).status).toBe(404)
    expect((await system.buy('NOT%20AN%20ID', token)).status).toBe(404)
  })
})

describe('what a buyer sees', () => {
  test('a reservation is shown to its buyer only', async () => {
    const saleId = await system.createSale()
    const token = await system.signIn('owner')
    const { body } = await system.buy(saleId, token)
    expect((await system.settled(String(body.id), token)).status).toBe('ORDERED')
    const other = await call('GET', system.url(`/reservations/${String(body.id)}`), {
      token: await system.signIn('stranger'),
    })
    const none = await call('GET', system.url(`/reservations/${saleId}.${'A'.repeat(22)}`), { token })
    expect(other).toMatchObject({ status: 404 })
    expect(other.body).toEqual(none.body)
  })

  test('bad requests are told what was wrong', async () => {
    const saleId = await system.createSale()
    const token = await system.signIn('clumsy')
    for (const body of [
      { quantity: 0 },
      { quantity: -1 },
      { quantity: 1.5 },
      { quantity: '1' },
      { quantity: 1, colour: 'red' },
      '{"quantity":1e309}',
      '{"quantity":',
      '[]',
      '{"__proto__":1}',
    ]) {
      expect(await system.buy(saleId, token, body), JSON.stringify(body)).toMatchObject({
        status: 400,
        body: { code: 'INVALID_REQUEST' },
      })
    }
    expect((await system.buy(saleId, token, {}, { 'content-type': 'text/plain' })).status).toBe(415)
    expect((await system.buy(saleId, token, { quantity: 1, filler: 'x'.repeat(20_000) })).status).toBe(413)
    expect((await system.world.stock.readSale(saleId))?.left).toBe(10)
  })

  test('the OpenAPI document and its page are served', async () => {
    const { body } = await call('GET', system.url('/openapi.json'))
    expect(Object.keys(body.paths as object)).toContain('/sales/{saleId}/reservations')
    expect((await call('GET', system.url('/docs/'))).status).toBe(200)
  })
})

test('a fault of our own is told as one, and not as a server that is away', async () => {
  const saleId = await system.createSale()
  const token = await system.signIn('unlucky')
  await system.world.redis.set(system.world.stock.keys.blacklist(saleId), 'no set')
  expect(await system.buy(saleId, token)).toMatchObject({ status: 500, body: { code: 'INTERNAL' } })
  await system.world.redis.del(system.world.stock.keys.blacklist(saleId))
  expect((await system.buy(saleId, token)).status).toBe(202)
})
