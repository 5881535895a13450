import { existsSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
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
  for (const path of ['/sales', '/audit', '/nowhere']) {
    expect(await call('GET', origin + path)).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } })
    expect(await call('GET', origin + path, { token: 'x'.repeat(48) })).toMatchObject({
      status: 403,
      body: { code: 'FORBIDDEN' },
    })
  }
  for (const path of ['/livez', '/readyz', '/metrics'])
    await eventually(
      path,
      () => call('GET', origin + path),
      ({ status }) => status === 200,
    )
})

test('a new sale is loaded at once, and its id is taken', async () => {
  const saleId = await system.createSale({ stock: 7 })
  expect(await system.world.stock.readSale(saleId)).toMatchObject({ epoch: 1, left: 7, total: 7 })
  const { body } = await system.controlRoom('GET', '/sales')
  expect(body.sales).toContainEqual(expect.objectContaining({ id: saleId, stock: 7, sold: 0, epoch: 1 }))
  expect(
    await system.controlRoom('POST', '/sales', {
      id: saleId,
      title: 'Again',
      priceCents: 1,
      stock: 1,
      opensAt: new Date(0),
      closesAt: new Date(),
    }),
  ).toMatchObject({ status: 409, body: { code: 'SALE_EXISTS' } })
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
  expect(await system.controlRoom('PUT', '/coupons/SPRING-1', { discountCents: 500 })).toMatchObject({
    status: 200,
    body: { code: 'SPRING-1', status: 'AVAILABLE', buyerId: null },
  })
  expect(await system.controlRoom('PUT', '/coupons/SPRING-1', { discountCents: 700, buyerId: 'eve' })).toMatchObject({
    status: 200,
    body: { discountCents: 700, buyerId: 'eve' },
  })
  expect(await system.world.database.coupon.findMany({ where: { code: 'SPRING-1' } })).toMatchObject([
    { discountCents: 700, buyerId: 'eve', status: 'AVAILABLE' },
  ])
  expect(await system.controlRoom('POST', '/points/eve', { points: 40 })).toMatchObject({
    status: 201,
    body: { buyerId: 'eve', points: 40 },
  })
  expect(await system.controlRoom('POST', '/points/eve', { points: 2 })).toMatchObject({
    status: 201,
    body: { points: 42 },
  })
})

test('sagas are listed by state, those that stand still for longest first, and counted', async () => {
  const [old, young, done] = [randomUUID(), randomUUID(), randomUUID()]
  const saga = (orderId: string, state: 'RUNNING' | 'DONE', dueAt: string) => ({
    orderId,
    saleId: 'sale',
    state,
    step: 'order.created',
    dueAt: new Date(dueAt),
  })
  await system.world.database.saga.createMany({
    data: [saga(done, 'DONE', '2026-01-01'), saga(young, 'RUNNING', '2026-01-03'), saga(old, 'RUNNING', '2026-01-02')],
  })
  const ids = (body: Record<string, unknown>) => (body.sagas as { orderId: string }[]).map(({ orderId }) => orderId)
  const all = await system.controlRoom('GET', '/sagas')
  expect(all).toMatchObject({ status: 200, body: { counts: { RUNNING: 2, DONE: 1, COMPENSATING: 0, COMPENSATED: 0 } } })
  expect(ids(all.body)).toEqual([old, young, done])
  expect(ids((await system.controlRoom('GET', '/sagas?state=DONE')).body)).toEqual([done])
  const metrics = () =>
    fetch(`http://127.0.0.1:${system.env.CONTROL_ROOM_PORT}/metrics`).then((answer) => answer.text())
  await eventually('the gauge', metrics, (text) => /seckill_sagas\{.*state="RUNNING".*\} 2/.test(text))
})

test('the window moves in both ledgers, and never closes before it opens', async () => {
  const saleId = await system.createSale()
  const closesAt = new Date(Date.now() + 7_200_000)
  expect(await system.controlRoom('PATCH', `/sales/${saleId}`, { closesAt })).toMatchObject({
    status: 200,
    body: { closesAt: closesAt.toISOString() },
  })
  expect(await system.world.stock.readSale(saleId)).toMatchObject({ closesAtMs: closesAt.getTime() })
  // Nothing accepted in the wider window becomes wrong by narrowing it.
  const sooner = new Date(Date.now() + 60_000)
  expect(
    await system.controlRoom('PATCH', `/sales/${saleId}`, { opensAt: new Date(1), closesAt: sooner }),
  ).toMatchObject({ status: 200 })
  expect(await system.world.database.sale.findUnique({ where: { id: saleId } })).toMatchObject({
    closesAt: sooner,
    earliestOpensAt: new Date(1),
    latestClosesAt: closesAt,
  })
  expect(await system.controlRoom('PATCH', `/sales/${saleId}`, { closesAt: new Date(0) })).toMatchObject({
    status: 400,
    body: { code: 'INVALID_REQUEST' },
  })
  expect(await system.controlRoom('PATCH', '/sales/nowhere', { closesAt })).toMatchObject({ status: 404 })
})

test('two changes of one sale at the same time both hold, in both ledgers', { timeout: 120_000 }, async () => {
  const saleId = await system.createSale()
  for (let round = 1; round <= 5; round++) {
    const [opensAt, closesAt] = [new Date(round), new Date(Date.now() + 7_200_000 + round)]
    const answers = await Promise.all(
      [{ opensAt }, { closesAt }].map((change) => system.controlRoom('PATCH', `/sales/${saleId}`, change)),
    )
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(await system.world.database.sale.findUnique({ where: { id: saleId } })).toMatchObject({ opensAt, closesAt })
    expect(await system.world.stock.readSale(saleId)).toMatchObject({
      opensAtMs: opensAt.getTime(),
      closesAtMs: closesAt.getTime(),
    })
  }
})

test('a change of what was changed since one looked is refused, and does nothing', async () => {
  const saleId = await system.createSale()
  const path = `/sales/${saleId}`
  const change = (closesInMs: number, ifMatch: string) =>
    call('PATCH', `http://127.0.0.1:${system.env.CONTROL_ROOM_PORT}${path}`, {
      token: system.env.ADMIN_TOKEN,
      body: { closesAt: new Date(Date.now() + closesInMs) },
      headers: { 'if-match': ifMatch },
    })
  const seen = (await system.controlRoom('GET', path)).headers.get('etag') ?? ''
  const changed = await change(60_000, seen)
  expect(changed).toMatchObject({ status: 200 })
  const { closesAt } = (await system.controlRoom('GET', path)).body
  for (const stale of [seen, '"nonsense"', ''])
    expect(await change(120_000, stale)).toMatchObject({ status: 412, body: { code: 'CHANGED_MEANWHILE' } })
  expect((await system.controlRoom('GET', path)).body).toMatchObject({ closesAt })
  for (const fresh of [changed.headers.get('etag') ?? '', '*'])
    expect(await change(120_000, fresh)).toMatchObject({ status: 200 })
})

test('many buyers are listed and unlisted with one call, in every open sale', async () => {
  const saleIds = [await system.createSale(), await system.createSale()]
  const buyers = Array.from({ length: 200 }, (_, i) => `bot-${i}`)
  const listed = () =>
    Promise.all(saleIds.map((saleId) => system.world.redis.scard(system.world.stock.keys.blacklist(saleId))))
  expect(await system.controlRoom('PATCH', '/blacklist', { list: buyers, reason: 'bots' })).toMatchObject({
    status: 200,
    body: { listed: 200, unlisted: 0 },
  })
  expect(await listed()).toEqual([200, 200])
  // A list that was empty did not exist: a new one must expire with its sale.
  for (const saleId of saleIds)
    expect(await system.world.redis.pttl(system.world.stock.keys.blacklist(saleId))).toBeGreaterThan(0)
  expect(
    await system.controlRoom('PATCH', '/blacklist', {
      list: ['eve', 'eve'],
      unlist: buyers.slice(1),
      reason: 'resells',
    }),
  ).toMatchObject({ status: 200 })
  expect(
    await system.world.database.blacklistEntry.findMany({
      orderBy: { buyerId: 'asc' },
      select: { buyerId: true, reason: true },
    }),
  ).toEqual([
    { buyerId: 'bot-0', reason: 'bots' },
    { buyerId: 'eve', reason: 'resells' },
  ])
  expect(await listed()).toEqual([2, 2])
  await system.controlRoom('PATCH', '/blacklist', { unlist: ['bot-0', 'eve'] })
  expect(await listed()).toEqual([0, 0])
})

test('lists come page by page: nothing is missed, and nothing comes twice', async () => {
  const { database } = system.world
  await database.$executeRaw`
    INSERT INTO sales (id, title, price_cents, stock, opens_at, closes_at)
    SELECT 'old-' || lpad(i::text, 4, '0'), 'Long over', 500, 1, '2020-01-01'::timestamptz + (i / 10) * interval '1 minute', '2020-02-01' FROM generate_series(1, 3000) AS i`
  await database.$executeRaw`
    INSERT INTO sagas (order_id, sale_id, state, step, due_at) SELECT gen_random_uuid(), 'old-0001', 'COMPENSATED', 'order.created', '2020-01-01' FROM generate_series(1, 250)`
  onTestFinished(async () => {
    await database.$transaction([
      database.sale.deleteMany({ where: { id: { startsWith: 'old-' } } }),
      database.saga.deleteMany({ where: { saleId: 'old-0001' } }),
    ])
  })
  const walk = async (path: string, list: string, id: string) => {
    const ids: string[] = []
    let [pages, next]: [number, string | undefined] = [0, '']
    for (; next !== undefined; pages++) {
      const { body } = await system.controlRoom('GET', `${path}${next === '' ? '' : `&cursor=${next}`}`)
      ids.push(...(body[list] as Record<string, string>[]).map((entry) => String(entry[id])))
      next = body.next as string | undefined
    }
    return { ids, distinct: new Set(ids).size, pages }
  }
  const all = await database.sale.findMany({ orderBy: [{ opensAt: 'desc' }, { id: 'desc' }], select: { id: true } })
  expect((await walk('/sales?limit=200', 'sales', 'id')).ids).toEqual(all.map(({ id }) => id))
  const sagas = await database.saga.count()
  expect(await walk('/sagas?limit=100', 'sagas', 'orderId')).toMatchObject({
    distinct: sagas,
    pages: Math.ceil(sagas / 100),
  })
  expect((await system.controlRoom('GET', '/sales')).body.sales).toHaveLength(100)
  const refused = [
    '/sales?limit=0',
    '/sales?limit=201',
    '/sales?cursor=!',
    '/sales?cursor=bm9uZQ',
    '/sales?cursor=WzEsMiwzXQ',
    '/sagas?cursor=WzFd',
    '/dead-letters?cursor=e30',
  ]
  for (const path of refused)
    expect(await system.controlRoom('GET', path), path).toMatchObject({
      status: 400,
      body: { code: 'INVALID_REQUEST' },
    })
})

test('what no part of the system could hold is refused with what was expected', async () => {
  const saleId = await system.createSale()
  const sale = {
    id: 'odd',
    title: 'Odd',
    priceCents: 1,
    stock: 1,
    opensAt: new Date(),
    closesAt: new Date(Date.now() + 60_000),
  }
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
    ['PATCH', '/blacklist', {}],
    ['PATCH', '/blacklist', { list: [], reason: 'bots' }],
    ['PATCH', '/blacklist', { list: ['eve'] }],
    ['PATCH', '/blacklist', { list: ['eve'], unlist: ['eve'], reason: 'bots' }],
    ['PATCH', '/blacklist', { unlist: ['eve'], reason: 'bots' }],
    ['PATCH', '/blacklist', { list: ['a\u0007b'], reason: 'bots' }],
    ['PATCH', '/blacklist', { list: Array.from({ length: 201 }, (_, i) => `bot-${i}`), reason: 'bots' }],
    ['PUT', '/coupons/A%20B', { discountCents: 1 }],
    ['PUT', '/coupons/A', { discountCents: -1 }],
    ['PUT', '/coupons/A', { discountCents: 1, status: 'AVAILABLE' }],
    ['POST', '/points/eve', { points: 0 }],
    ['POST', '/points/%00', { points: 1 }],
    ['GET', '/sagas?state=LOST', undefined],
    ['GET', '/sagas?state=DONE&state=DONE', undefined],
  ]
  for (const [method, path, body] of refused) {
    expect(await system.controlRoom(method, path, body), `${method} ${path} ${JSON.stringify(body)}`).toMatchObject({
      status: 400,
      body: { code: 'INVALID_REQUEST' },
    })
  }
})

test('a sale that does not exist is not called balanced', async () => {
  expect(await system.controlRoom('GET', '/audit?sale=nowhere')).toMatchObject({ status: 404 })
  expect(await system.controlRoom('GET', '/audit?sale=No!')).toMatchObject({ status: 400 })
})

test('without the broker nothing is called accounted for', async () => {
  const audit = () => system.controlRoom('GET', '/audit')
  expect((await audit()).status).toBe(200)
  broker.cut()
  expect(await audit()).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } })
  broker.restore()
  await eventually('the queues to be counted again', audit, ({ status }) => status === 200)
})

test('outside of a demo there are no labs', async () => {
  await system.stop('control-room')
  await system.start('control-room', { DEMO_MODE: 'false' })
  expect(await system.controlRoom('GET', '/labs')).toMatchObject({ status: 200, body: { available: false, labs: [] } })
  expect(await system.controlRoom('POST', '/labs/locks', {})).toMatchObject({
    status: 409,
    body: { code: 'DEMO_ONLY' },
  })
  await system.stop('control-room')
  await system.start('control-room')
  // A fork may have deleted them.
  const refusal = existsSync('lab') ? { status: 404 } : { status: 409, body: { code: 'DEMO_ONLY' } }
  expect(await system.controlRoom('POST', '/labs/no-such-lab', {})).toMatchObject(refusal)
})
