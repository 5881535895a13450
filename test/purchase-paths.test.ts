import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from './support/http-client.ts'
import { startSystem, type System } from './support/system.ts'

/**
 * One gateway, asked by the plain spelling of the path, which is answered in front of Express, and by one that is not.
 */
let system: System
const limits = { BUYER_BURST: '4', BUYER_RATE_PER_SECOND: '0.001', MAX_PENDING: '50' }
const SPELLINGS = { plain: '', other: '?from=mail' } as const
type Spelling = keyof typeof SPELLINGS
const BOTH = Object.keys(SPELLINGS) as Spelling[]

beforeAll(async () => {
  system = await startSystem(limits)
})
afterAll(() => system.close())

async function restartGateway(overrides: Record<string, string>): Promise<void> {
  await system.stop('gateway')
  await system.start('gateway', overrides)
}

interface Attempt {
  path?: string
  method?: string
  body?: unknown
  headers?: Record<string, string>
  token?: string
}

/** What a client sees, without what may differ between two moments and two reservations. */
async function seen(spelling: Spelling, attempt: Attempt) {
  const { path = '', method = 'POST', ...rest } = attempt
  const answer = await call(method, system.url(path + SPELLINGS[spelling]), rest)
  const text = (value: unknown) =>
    JSON.stringify(value)
      .replaceAll(/(?<=\.)[\w-]{22}(?=")/g, '<id>')
      .replaceAll(/sale-[0-9a-f]{8}/g, '<sale>')
      .replaceAll(/(?<="orderId":")[^"]+/g, '<order>')
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
  // Seconds to wait have one digit more or less a moment later, and so has the length; to the nearest hundred they are
  // the same.
  const volatile = new Set([
    'date',
    'connection',
    'keep-alive',
    ...('retryAfterSeconds' in answer.body ? ['content-length'] : []),
  ])
  const headers = Object.fromEntries([...answer.headers].filter(([name]) => !volatile.has(name)))
  return {
    status: answer.status,
    code: answer.body.code,
    headers: text({ ...headers, 'retry-after': Math.round(Number(headers['retry-after'] ?? 0) / 100) }),
    body: text(answer.body).replaceAll(/"retryAfterSeconds":[\d.]+/g, ''),
  }
}

/** Both spellings on sales of their own that are alike, each with buyers of its own. */
async function expectEqual(
  prepare: (spelling: Spelling) => Promise<Attempt>,
  expected: { status: number; code?: string },
) {
  const plain = await seen('plain', await prepare('plain'))
  const other = await seen('other', await prepare('other'))
  expect(plain).toMatchObject(expected)
  expect(other).toEqual(plain)
}

const reservations = (saleId: string) => `/sales/${saleId}/reservations`
const opening = { ticket: { fromMinutesBefore: 1 } }
let people = 0
const newBuyer = () => system.signIn(`path ${people++}`)

describe('a purchase gets the same answer by every spelling of its path', () => {
  test('accepted', () =>
    expectEqual(
      async () => ({ path: reservations(await system.createSale()), token: await newBuyer(), body: { quantity: 1 } }),
      { status: 202 },
    ))

  test('accepted without a body', () =>
    expectEqual(async () => ({ path: reservations(await system.createSale()), token: await newBuyer() }), {
      status: 202,
    }))

  test.each([
    (saleId: string) => `/sales/${saleId}/reservations/`,
    (saleId: string) => `/Sales/${saleId}/RESERVATIONS`,
    (saleId: string) => `/sales/%73${saleId.slice(1)}/reservations`,
  ])('accepted by %s', async (spell) => {
    const path = spell(await system.createSale())
    expect(await call('POST', system.url(path), { token: await newBuyer() })).toMatchObject({ status: 202 })
  })

  test('accepted, and waited for', () =>
    expectEqual(
      async () => ({
        path: reservations(await system.createSale()),
        token: await newBuyer(),
        headers: { prefer: 'wait=20' },
      }),
      { status: 200 },
    ))

  test('accepted, and waited for to the end of the wait', async () => {
    await system.stop('order-service')
    await expectEqual(
      async () => ({
        path: reservations(await system.createSale()),
        token: await newBuyer(),
        headers: { prefer: 'wait=1' },
      }),
      { status: 202 },
    )
    await system.start('order-service')
  })

  test('accepted, with a preference that is none', () =>
    expectEqual(
      async () => ({
        path: reservations(await system.createSale()),
        token: await newBuyer(),
        headers: { prefer: 'wait=soon, return=minimal' },
      }),
      { status: 202 },
    ))

  test('repeated: the same reservation', async () => {
    const saleId = await system.createSale()
    const token = await newBuyer()
    const answers = [
      await call('POST', system.url(reservations(saleId)), { token }),
      await call('POST', system.url(`${reservations(saleId)}/`), { token }),
    ]
    expect(answers.map((answer) => answer.status)).toEqual([202, 202])
    expect(answers[0]?.body.id).toBe(answers[1]?.body.id)
    await system.settled(String(answers[0]?.body.id), token)
    await expectEqual(() => Promise.resolve({ path: reservations(saleId), token }), { status: 202 })
  })

  test('sold out, and again when it is known', async () => {
    const saleId = await system.createSale({ stock: 1 })
    await system.buy(saleId, await newBuyer())
    for (let i = 0; i < 3; i++)
      await expectEqual(async () => ({ path: reservations(saleId), token: await newBuyer() }), {
        status: 409,
        code: 'SOLD_OUT',
      })
  })

  test('fewer left than asked for', () =>
    expectEqual(
      async () => ({
        path: reservations(await system.createSale({ stock: 1, perBuyerLimit: 5 })),
        token: await newBuyer(),
        body: { quantity: 2 },
      }),
      { status: 409, code: 'SOLD_OUT' },
    ))

  test('too many attempts', () =>
    expectEqual(
      async (spelling) => {
        const attempt = { path: reservations(await system.createSale()), token: await newBuyer() }
        for (let i = 0; i < 4; i++) await seen(spelling, attempt)
        return attempt
      },
      { status: 429, code: 'RATE_LIMITED' },
    ))

  test('not started', () =>
    expectEqual(
      async () => ({ path: reservations(await system.createSale({ opensInMs: 900_000 })), token: await newBuyer() }),
      { status: 403, code: 'NOT_STARTED' },
    ))

  test('ended', () =>
    expectEqual(
      async () => ({
        path: reservations(await system.createSale({ opensInMs: -60_000, closesInMs: -1_000 })),
        token: await newBuyer(),
      }),
      { status: 403, code: 'ENDED' },
    ))

  test.each([
    ['without a ticket', {}, 'TICKET_REQUIRED'],
    ['with a forged ticket', { 'seckill-ticket': 'let.me.in' }, 'TICKET_INVALID'],
  ])('%s', (_, headers, code) =>
    expectEqual(
      async () => ({
        path: reservations(await system.createSale({ opening })),
        token: await newBuyer(),
        headers,
      }),
      { status: 403, code },
    ),
  )

  test('with a ticket, and with that of another', async () => {
    const withTicket = async (isOwn: boolean) => {
      const [saleId, token] = [await system.createSale({ opening }), await newBuyer()]
      const asker = isOwn ? token : await newBuyer()
      const { body } = await call('POST', system.url(`/sales/${saleId}/tickets`), { token: asker })
      return { path: reservations(saleId), token, headers: { 'seckill-ticket': String(body.ticket) } }
    }
    await expectEqual(() => withTicket(true), { status: 202 })
    await expectEqual(() => withTicket(false), { status: 403, code: 'TICKET_OF_ANOTHER' })
  })

  test('on the blacklist', () =>
    expectEqual(
      async () => {
        const { body } = await call('POST', system.url('/sessions'), { body: { name: `banned ${people++}` } })
        await system.controlRoom('PUT', `/blacklist/${String(body.userId)}`, { reason: 'test' })
        return { path: reservations(await system.createSale()), token: String(body.token) }
      },
      { status: 403, code: 'NOT_ELIGIBLE' },
    ))

  test('more than one buyer may have', () =>
    expectEqual(
      async () => ({ path: reservations(await system.createSale()), token: await newBuyer(), body: { quantity: 2 } }),
      { status: 400, code: 'INVALID_REQUEST' },
    ))

  test.each([{ quantity: 0 }, { quantity: '1' }, { colour: 'red' }, '{"quantity":', 'null', '[]', ''])(
    'a body of %j',
    (body) =>
      expectEqual(async () => ({ path: reservations(await system.createSale()), token: await newBuyer(), body }), {
        status: 400,
        code: 'INVALID_REQUEST',
      }),
  )

  test.each([
    { 'content-type': 'text/plain' },
    { 'content-type': 'application/json; charset=latin1' },
    { 'content-encoding': 'gzip' },
  ])('a body sent as %j', (headers) =>
    expectEqual(
      async () => ({ path: reservations(await system.createSale()), token: await newBuyer(), body: {}, headers }),
      { status: 415 },
    ),
  )

  test('a body that is too large', () =>
    expectEqual(
      async () => ({
        path: reservations(await system.createSale()),
        token: await newBuyer(),
        body: { filler: 'x'.repeat(20_000) },
      }),
      { status: 413 },
    ))

  test.each([{}, { authorization: 'Bearer nonsense' }, { authorization: 'Basic YTpi' }])(
    'a caller who says %j',
    (headers) =>
      expectEqual(async () => ({ path: reservations(await system.createSale()), headers }), {
        status: 401,
        code: 'UNAUTHENTICATED',
      }),
  )

  test.each(['nowhere', 'NOT%20AN%20ID', '%00', 'x'.repeat(40)])('a sale called %s', (saleId) =>
    expectEqual(async () => ({ path: reservations(saleId), token: await newBuyer() }), {
      status: 404,
      code: 'NOT_FOUND',
    }),
  )

  test.each(['GET', 'PUT', 'DELETE'])('%s instead of POST', (method) =>
    expectEqual(async () => ({ method, path: reservations('any') }), { status: 405, code: 'METHOD_NOT_ALLOWED' }),
  )

  test('a sale whose data is of another epoch', async () => {
    const saleId = await system.createSale()
    for (const spelling of BOTH)
      expect((await seen(spelling, { path: reservations(saleId), token: await newBuyer() })).status).toBe(202)
    await system.world.redis.hset(system.world.stock.keys.sale(saleId), 'epoch', 0)
    await expectEqual(async () => ({ path: reservations(saleId), token: await newBuyer() }), {
      status: 503,
      code: 'UNAVAILABLE',
    })
  })

  test('a line that is full', () =>
    expectEqual(
      async () => {
        const [saleId, token] = [await system.createSale(), await newBuyer()]
        const line = system.world.redis.pipeline()
        for (let i = 0; i < 50; i++) line.zadd(system.world.stock.keys.pending(saleId), Date.now(), `${i} buyer`)
        await line.exec()
        return { path: reservations(saleId), token }
      },
      { status: 503, code: 'BUSY' },
    ))

  test('too much from one address', async () => {
    const attempt = { path: reservations(await system.createSale()), token: await newBuyer() }
    await restartGateway({ POLL_BURST: '1', POLL_RATE_PER_SECOND: '0.001' })
    await seen('plain', attempt)
    await expectEqual(() => Promise.resolve(attempt), { status: 429, code: 'RATE_LIMITED' })
  })

  test('a crowded sale', async () => {
    const attempt = { path: reservations(await system.createSale()), token: await newBuyer() }
    await restartGateway({ GATEWAY_BURST: '1', GATEWAY_RATE_PER_SECOND: '0.001' })
    await seen('plain', attempt)
    await expectEqual(() => Promise.resolve(attempt), { status: 429, code: 'RATE_LIMITED' })
  })
})
