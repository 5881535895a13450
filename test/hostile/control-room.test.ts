import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { expectRefused } from '../support/expect-refused.ts'
import { call } from '../support/http-client.ts'
import { startSystem, type System } from '../support/system.ts'

let system: System
let saleId: string
let buyersToken: string
beforeAll(async () => {
  system = await startSystem()
  saleId = await system.createSale()
  buyersToken = await system.signIn('admin')
})
afterAll(() => system.close())

const admin = () => system.env.ADMIN_TOKEN ?? ''
const url = (path: string) => `http://127.0.0.1:${system.env.CONTROL_ROOM_PORT}${path}`
const soon = (ms: number) => new Date(Date.now() + ms).toISOString()
/** A fixed instant, so that two uses of it are equal. */
const inAMinute = soon(60_000)
const sale = (changes: object = {}) => ({
  id: 'hostile',
  title: 'A sale',
  priceCents: 1_000,
  stock: 10,
  opensAt: soon(0),
  closesAt: soon(60_000),
  ...changes,
})

/** One call of each operation. */
const doors: [method: string, path: () => string, body?: unknown][] = [
  ['GET', () => '/sales'],
  ['POST', () => '/sales', sale({ id: 'not-mine' })],
  ['PATCH', () => `/sales/${saleId}`, { closesAt: soon(-1) }],
  ['GET', () => '/changes'],
  ['PUT', () => '/blacklist/eve', { reason: 'none' }],
  ['DELETE', () => '/blacklist/eve'],
  ['PATCH', () => '/blacklist', { list: ['eve'], reason: 'none' }],
  ['GET', () => '/audit'],
  ['GET', () => '/live'],
  ['GET', () => '/crowd'],
  ['POST', () => '/crowd', { buyers: 1, seconds: 1 }],
  ['DELETE', () => '/crowd'],
  ['GET', () => '/processes'],
  ['POST', () => '/processes/redis/kill'],
  ['POST', () => '/processes/redis/restart'],
  ['PUT', () => '/coupons/MINE', { discountCents: 1_000 }],
  ['POST', () => '/points/eve', { points: 1_000 }],
  ['GET', () => '/sagas'],
]

describe('without the admin token every call is refused:', () => {
  test.each<[name: string, headers: () => Record<string, string>]>([
    ['nothing at all', () => ({})],
    ['an empty header', () => ({ authorization: '' })],
    ['the word Bearer', () => ({ authorization: 'Bearer' })],
    ['the token without the word', () => ({ authorization: admin() })],
    [
      'the token as a password',
      () => ({ authorization: `Basic ${Buffer.from(`admin:${admin()}`).toString('base64')}` }),
    ],
    ['the token in a cookie', () => ({ cookie: `token=${admin()}` })],
  ])('%s is asked to sign in', async (_, headers) => {
    for (const [method, path, body] of doors) {
      const answer = await call(method, url(path()), { body, headers: headers() })
      expectRefused(answer, 'UNAUTHENTICATED')
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    }
  })

  test.each<[name: string, token: () => string]>([
    ["a buyer's token", () => buyersToken],
    ['the token secret', () => system.env.TOKEN_SECRET ?? ''],
    ['another token of the same length', () => 'x'.repeat(admin().length)],
    ['all of the token but its last letter', () => admin().slice(0, -1)],
    ['the token with a letter more', () => `${admin()}x`],
    ['the token in capitals', () => admin().toUpperCase().replace(/^./, 'X')],
    ['the token twice', () => `${admin()}, ${admin()}`],
    ['the token after another', () => `x ${admin()}`],
    ['undefined', () => 'undefined'],
    ['8,000 letters', () => 'x'.repeat(8_000)],
  ])('%s is refused', async (_, token) => {
    for (const [method, path, body] of doors)
      expectRefused(await call(method, url(path()), { body, token: token() }), 'FORBIDDEN')
  })

  test('a token in the URL does not count', async () => {
    expectRefused(await call('GET', url(`/sales?token=${admin()}&access_token=${admin()}`)), 'UNAUTHENTICATED')
  })

  test('no refused call had an effect', async () => {
    const { body } = await system.controlRoom('GET', '/sales')
    expect(body.sales).toEqual([expect.objectContaining({ id: saleId })])
    expect(await system.world.database.blacklistEntry.count()).toBe(0)
    expect([await system.world.database.coupon.count(), await system.world.database.pointsEntry.count()]).toEqual([
      0, 0,
    ])
    expect((await system.buy(saleId, buyersToken)).status).toBe(202)
  })
})

const wrongSales: [name: string, changes: unknown][] = [
  ['nothing', '{}'],
  ['a list', '[]'],
  ['null', 'null'],
  ['half an object', '{"id":'],
  ['no id', sale({ id: undefined })],
  ['an empty id', sale({ id: '' })],
  ['an id of 33 letters', sale({ id: 'x'.repeat(33) })],
  ['an id in capitals', sale({ id: 'Sale' })],
  ['an id with a brace', sale({ id: '{a}' })],
  ['an id with a colon', sale({ id: 'a:stock' })],
  ['an id with a dot', sale({ id: 'a.b' })],
  ['an id with a slash', sale({ id: '../a' })],
  ['an id with a line break', sale({ id: 'a\n' })],
  ['an id that begins with -', sale({ id: '-a' })],
  ['a number for an id', sale({ id: 1 })],
  ['__proto__ for an id', sale({ id: '__proto__' })],
  ['an empty title', sale({ title: ' ' })],
  ['a title of 121 letters', sale({ title: 'x'.repeat(121) })],
  ['a title with an escape sequence', sale({ title: '\u001B[2J' })],
  ['a stock of -1', sale({ stock: -1 })],
  ['a stock of 1.5', sale({ stock: 1.5 })],
  ['a stock of ten million and one', sale({ stock: 10_000_001 })],
  ['a stock in words', sale({ stock: '10' })],
  ['a stock of 1e309', JSON.stringify(sale()).replace('"stock":10', '"stock":1e309')],
  ['a stock of 2^53', sale({ stock: 2 ** 53 })],
  ['a price of -1', sale({ priceCents: -1 })],
  ['a price beyond what an order can hold', sale({ priceCents: 2 ** 31 })],
  ['a price in words', sale({ priceCents: '1' })],
  ['a price that is beyond what an order can hold for two units', sale({ priceCents: 2 ** 30, perBuyerLimit: 2 })],
  [
    'a price that is beyond what can be counted exactly for all units',
    sale({ priceCents: 2 ** 31 - 1, stock: 2 ** 22 + 1 }),
  ],
  ['a limit of 0', sale({ perBuyerLimit: 0 })],
  ['a limit of 1001', sale({ perBuyerLimit: 1_001 })],
  ['rules of the opening that are no object', sale({ opening: 'ticket' })],
  ['an end before the beginning', sale({ closesAt: soon(-60_000) })],
  ['no end', sale({ closesAt: undefined })],
  ['an end that is a number', sale({ closesAt: Date.now() })],
  ['an end on 30 February', sale({ closesAt: '2027-02-30T00:00:00Z' })],
  ['an end without a zone', sale({ closesAt: '2027-01-01T00:00:00' })],
  ['an end in the year 10000', sale({ closesAt: '+010000-01-01T00:00:00Z' })],
  ['an epoch', sale({ epoch: 7 })],
  ['units that are sold already', sale({ sold: -5 })],
  ['__proto__', JSON.stringify(sale()).replace('{', '{"__proto__":{"stock":1},')],
]

test.each(wrongSales)('creating a sale refuses %s', async (_, body) => {
  expectRefused(await system.controlRoom('POST', '/sales', body), 'INVALID_REQUEST')
})

test.each<[name: string, change: unknown]>([
  ['nothing', '{}'],
  ['a stock of 0', { stock: 0 }],
  ['a price below nothing', { priceCents: -1 }],
  ['a limit above the most', { perBuyerLimit: 1_001 }],
  ['a title of two lines', { title: 'a\nb' }],
  ['stopped to a word', { isStopped: 'true' }],
  ['no rules to null', { opening: null }],
  ['a rule of the opening that there is not', { opening: { captcha: {} } }],
  ['proof of work without a ticket', { opening: { proofOfWork: { tries: 1 } } }],
  ['work of nothing', { opening: { ticket: { fromMinutesBefore: 1 }, proofOfWork: { tries: 0 } } }],
  ['a ticket two days before', { opening: { ticket: { fromMinutesBefore: 2_880 } } }],
  ['a ticket with __proto__', '{"opening":{"ticket":{"fromMinutesBefore":1,"__proto__":{"validMinutes":1}}}}'],
  ['more lapses than Redis keeps', { opening: { lapses: { max: 9, waitSeconds: 1 } } }],
  ['its version', { version: 7 }],
  ['its shards', { shards: 2 }],
  ['its epoch', { epoch: 2 }],
  ['its id', { id: 'other' }],
  ['units sold', { sold: 0 }],
  ['an empty window', { opensAt: inAMinute, closesAt: inAMinute }],
  ['a beginning after the end', { opensAt: soon(7_200_000) }],
  ['an end that is null', { closesAt: null }],
  ['an end that is no moment', { closesAt: 'tomorrow' }],
  ['an end of 1969', { closesAt: '1969-12-31T23:59:59Z' }],
  ['an end with __proto__', '{"closesAt":"2030-01-01T00:00:00Z","__proto__":{"stock":1}}'],
])('no change of a sale changes %s', async (_, change) => {
  const before = await system.world.database.sale.findUniqueOrThrow({ where: { id: saleId } })
  expectRefused(await system.controlRoom('PATCH', `/sales/${saleId}`, change), 'INVALID_REQUEST')
  expect(await system.world.database.sale.findUniqueOrThrow({ where: { id: saleId } })).toEqual({
    ...before,
    sold: expect.any(Number) as unknown,
  })
})

test.each<[name: string, path: string, body: unknown]>([
  ['a buyer by blanks alone', '/blacklist/%20%20', { reason: 'bots' }],
  ['a buyer of 256 letters', `/blacklist/${'x'.repeat(256)}`, { reason: 'bots' }],
  ['a buyer with a line break', '/blacklist/a%0Ab', { reason: 'bots' }],
  ['no reason', '/blacklist/eve', {}],
  ['an empty reason', '/blacklist/eve', { reason: ' ' }],
  ['a reason of 201 letters', '/blacklist/eve', { reason: 'x'.repeat(201) }],
  ['a list of reasons', '/blacklist/eve', { reason: ['bots'] }],
  ['a reason and more', '/blacklist/eve', { reason: 'bots', forever: true }],
])('the blacklist refuses %s', async (_, path, body) => {
  expectRefused(await system.controlRoom('PUT', path, body), 'INVALID_REQUEST')
})

test.each<[name: string, crowd: unknown]>([
  ['no buyers', { buyers: 0, seconds: 1 }],
  ['20,001 buyers', { buyers: 20_001, seconds: 1 }],
  ['half a buyer', { buyers: 0.5, seconds: 1 }],
  ['a word of buyers', { buyers: '10', seconds: 1 }],
  ['61 seconds', { buyers: 1, seconds: 61 }],
  ['no time', { buyers: 1 }],
  ['less than no time', { buyers: 1, seconds: -1 }],
  ['another gateway', { buyers: 1, seconds: 1, gatewayUrl: 'http://127.0.0.1:1' }],
  ['a sale with a slash', { buyers: 1, seconds: 1, saleId: '../orders' }],
  ['a list', '[]'],
  ['1e309 buyers', '{"buyers":1e309,"seconds":1}'],
])('there is no crowd of %s', async (_, crowd) => {
  expectRefused(await system.controlRoom('POST', '/crowd', crowd), 'INVALID_REQUEST')
  expect((await system.controlRoom('GET', '/crowd')).body).toEqual({ crowd: null, available: true })
})

test.each(['No!', '', '%00', '..', '*', 'a&sale=b', '__proto__', '[object]'])(
  'no audit of the sale "%s"',
  async (id) => {
    expectRefused(await system.controlRoom('GET', `/audit?sale=${id}`), 'INVALID_REQUEST')
  },
)

test('a body is refused over 16 KB, of another type, or compressed', async () => {
  expectRefused(await system.controlRoom('POST', '/sales', sale({ title: 'x'.repeat(20_000) })), 'TOO_LARGE')
  for (const headers of [{ 'content-type': 'text/plain' }, { 'content-encoding': 'gzip' }] as Record<
    string,
    string
  >[]) {
    expectRefused(
      await call('POST', url('/sales'), { token: admin(), body: sale(), headers }),
      'UNSUPPORTED_MEDIA_TYPE',
    )
  }
})

test('fifty concurrent requests create the same sale once at most, with its stock once', async () => {
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => system.controlRoom('POST', '/sales', sale({ id: 'once' }))),
  )
  expect(answers.filter(({ status }) => status === 201).length).toBeLessThanOrEqual(1)
  // On a busy machine all answers may be late; the sale is loaded nevertheless.
  for (const answer of answers)
    if (answer.status !== 201) expectRefused(answer, answer.status === 503 ? 'UNAVAILABLE' : 'SALE_EXISTS')
  await eventually(
    'the sale to be loaded',
    () => system.world.stock.readSale('once'),
    (found) => found?.left === 10,
  )
})

test('only these two sales exist, and every unit is accounted for', async () => {
  const { balanced, sales } = await system.auditAtRest()
  expect(balanced).toBe(true)
  expect(sales.map((found) => found.saleId).sort()).toEqual(['once', saleId].sort())
})
