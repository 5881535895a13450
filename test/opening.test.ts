import { isDeepStrictEqual } from 'node:util'
import type { Challenge } from 'altcha-lib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTokens } from '../core/platform/http/tokens.ts'
import { createTickets } from '../gateway/opening/tickets.ts'
import { cancelOrder } from './support/cancel-order.ts'
import { eventually } from './support/eventually.ts'
import { expectRefused } from './support/expect-refused.ts'
import { call, callUntilAvailable } from './support/http-client.ts'
import { inParallel } from './support/parallel.ts'
import { proofFor } from './support/solve-challenge.ts'
import { startSystem, type System } from './support/system.ts'
import { shortOrLong } from './support/thoroughness.ts'

let system: System
beforeAll(async () => {
  system = await startSystem({ TRUST_PROXY_HOPS: '1' })
})
afterAll(() => system.close())

const TICKET = { fromMinutesBefore: 10 }
const MINUTE_MS = 60_000
let buyers = 0
const newToken = () => system.signIn(`opening ${buyers++}`)

type Headers = Record<string, string>
const askTicket = (saleId: string, token: string, body: object = {}, headers: Headers = {}) =>
  call('POST', system.url(`/sales/${saleId}/tickets`), { token, body, headers })
const askChallenge = (saleId: string, token: string, headers: Headers = {}) =>
  call('GET', system.url(`/sales/${saleId}/challenge`), { token, headers })
const buy = (saleId: string, token: string, ticket?: string, headers: Headers = {}) =>
  system.buy(saleId, token, {}, { ...headers, ...(ticket !== undefined && { 'seckill-ticket': ticket }) })

async function ticketOf(saleId: string, token: string, headers: Headers = {}): Promise<string> {
  const { status, body } = await askTicket(saleId, token, {}, headers)
  expect([status, body.code]).toEqual([201, undefined])
  return String(body.ticket)
}

async function proofOf(saleId: string, token: string, headers: Headers = {}): Promise<string> {
  return await proofFor((await askChallenge(saleId, token, headers)).body)
}

const cancel = (reservationId: string, token: string) => cancelOrder(system, reservationId, token)

/** Has the buyer's order lapse as if its payment window was over. */
async function letLapse(reservationId: string, token: string): Promise<void> {
  await system.settled(reservationId, token, ['ORDERED'])
  await system.world.database.order.update({ where: { reservationId }, data: { paymentDeadline: new Date() } })
  expect(await system.settled(reservationId, token, ['CANCELLED'])).toMatchObject({ reason: 'UNPAID' })
}

/** The gateway has read the sale again. */
const untilShown = (saleId: string, opening: object | undefined) =>
  eventually(
    'the shop to know the rules',
    () => call('GET', system.url(`/sales/${saleId}`)),
    ({ body }) => isDeepStrictEqual(body.opening, opening),
  )

describe('a ticket', () => {
  test('is fetched ahead of the opening, and buys nothing before it', async () => {
    const saleId = await system.createSale({ opening: { ticket: TICKET }, opensInMs: 5 * MINUTE_MS })
    const token = await newToken()
    expectRefused(await buy(saleId, token), 'TICKET_REQUIRED')
    const given = await askTicket(saleId, token)
    expect(given.status).toBe(201)
    expect(Date.parse(String(given.body.expiresAt))).toBeGreaterThan(Date.now() + 14 * MINUTE_MS)
    expectRefused(await buy(saleId, token, String(given.body.ticket)), 'NOT_STARTED')
    expectRefused(await buy(saleId, token), 'TICKET_REQUIRED')
    const opensAt = new Date(Date.now() - 1_000)
    await system.controlRoom('PATCH', `/sales/${saleId}`, { opensAt })
    expect(await buy(saleId, token, String(given.body.ticket))).toMatchObject({ status: 202 })
    expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true })
  })

  test('is given from some minutes before the opening until the end, where the sale asks for it', async () => {
    const token = await newToken()
    const early = await system.createSale({ opening: { ticket: TICKET }, opensInMs: 11 * MINUTE_MS })
    const refused = await askTicket(early, token)
    expectRefused(refused, 'TICKETS_NOT_YET')
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(60)
    const over = await system.createSale({ opening: { ticket: TICKET }, opensInMs: -2_000, closesInMs: -1_000 })
    expectRefused(await askTicket(over, token), 'ENDED')
    expectRefused(await askTicket(await system.createSale(), token), 'NOT_FOUND')
    expectRefused(await askTicket('no-such-sale', token), 'NOT_FOUND')
    expectRefused(await askTicket(early, 'nonsense'), 'UNAUTHENTICATED')
  })

  test('is for one buyer, one sale and one purchase, and for one order', async () => {
    const opening = { ticket: TICKET }
    const saleId = await system.createSale({ opening, perBuyerLimit: 3 })
    const [ann, bob] = [await newToken(), await newToken()]
    const ticket = await ticketOf(saleId, ann)
    expectRefused(await buy(saleId, bob, ticket), 'TICKET_OF_ANOTHER')
    expectRefused(await buy(await system.createSale({ opening }), ann, ticket), 'TICKET_OF_ANOTHER')
    expectRefused(await buy(saleId, ann, ticket, { 'idempotency-key': 'second' }), 'TICKET_OF_ANOTHER')
    const first = await buy(saleId, ann, ticket)
    expect(first.status).toBe(202)
    expect((await buy(saleId, ann, ticket)).body.id).toBe(first.body.id)
    await cancel(String(first.body.id), ann)
    expectRefused(await buy(saleId, ann, ticket), 'TICKET_USED')
    const again = await buy(saleId, ann, await ticketOf(saleId, ann))
    expect(again.status).toBe(202)
    expect(again.body.id).not.toBe(first.body.id)
    const second = { 'idempotency-key': 'second' }
    expect(await buy(saleId, ann, await ticketOf(saleId, ann, second), second)).toMatchObject({ status: 202 })
    expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 2 }] })
  })

  test('that is forged or expired is refused', async () => {
    const saleId = await system.createSale({ opening: { ticket: TICKET } })
    const name = `opening ${buyers}`
    const token = await newToken()
    const { body } = await call('POST', system.url('/sessions'), { body: { name } })
    const purchase = { saleId, buyerId: String(body.userId), key: undefined }
    const forged = createTickets('a guess').give(purchase, Date.now(), Date.now() + MINUTE_MS)
    expectRefused(await buy(saleId, token, forged), 'TICKET_INVALID')
    for (const nonsense of ['x', '.', 'a.b.c.d.e.f', 'x'.repeat(3_000)])
      expectRefused(await buy(saleId, token, nonsense), 'TICKET_INVALID')
    const ours = createTickets(system.env.TOKEN_SECRET ?? '')
    expectRefused(await buy(saleId, token, ours.give(purchase, 0, Date.now() - MINUTE_MS)), 'TICKET_EXPIRED')
    expect(await buy(saleId, token, ours.give(purchase, 0, Date.now() + MINUTE_MS))).toMatchObject({ status: 202 })
  })

  test('that has expired still shows a buyer who repeats the purchase what they hold, until it ends', async () => {
    const saleId = await system.createSale({ perBuyerLimit: 2, opening: { ticket: TICKET } })
    const { body } = await call('POST', system.url('/sessions'), { body: { name: 'returns' } })
    const [token, buyerId] = [String(body.token), String(body.userId)]
    const ours = createTickets(system.env.TOKEN_SECRET ?? '')
    const ticket = (expiresInMs: number, key?: string) =>
      ours.give({ saleId, buyerId, key }, Date.now(), Date.now() + expiresInMs)
    const bought = await buy(saleId, token, ticket(MINUTE_MS))
    expect(bought).toMatchObject({ status: 202 })
    expect(await system.settled(String(bought.body.id), token)).toMatchObject({ status: 'ORDERED' })
    const late = ticket(-MINUTE_MS)
    expect(await buy(saleId, token, late)).toMatchObject({ status: 202, body: { id: bought.body.id } })
    const other = await system.buy(saleId, token, { quantity: 2 }, { 'seckill-ticket': late })
    expect(other).toMatchObject({ status: 422, body: { code: 'KEY_REUSED' } })
    const headers = { 'seckill-ticket': ticket(-MINUTE_MS, 'second'), 'idempotency-key': 'second' }
    expectRefused(await system.buy(saleId, token, {}, headers), 'TICKET_EXPIRED')
    await cancel(String(bought.body.id), token)
    expectRefused(await buy(saleId, token, late), 'TICKET_EXPIRED')
  })

  test('stays valid when Redis loses the sale and it is rebuilt, and a used one stays used', async () => {
    const saleId = await system.createSale({ opening: { ticket: TICKET } })
    const [ann, bob] = [await newToken(), await newToken()]
    const [used, unused] = [await ticketOf(saleId, ann), await ticketOf(saleId, bob)]
    const { body } = await buy(saleId, ann, used)
    await cancel(String(body.id), ann)
    await system.auditAtRest(saleId)
    await loseSale(saleId)
    expect(await bought(() => buy(saleId, bob, unused))).toMatchObject({ status: 202 })
    expectRefused(await buy(saleId, ann, used), 'TICKET_USED')
    expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 1 }] })
  })

  test('is refused to the blacklist, and given to the first hundred accounts of an address', async () => {
    const saleId = await system.createSale({ opening: { ticket: TICKET } })
    const tokens = createTokens(system.env.TOKEN_SECRET ?? '')
    await system.controlRoom('PUT', '/blacklist/known-bot', { reason: 'bots' })
    expectRefused(await askTicket(saleId, tokens.sign('known-bot')), 'NOT_ELIGIBLE')
    const farm = { 'x-forwarded-for': '203.0.113.7' }
    const url = system.url(`/sales/${saleId}/tickets`)
    const answers = await inParallel(shortOrLong(200, 1_000), 10, (i) =>
      callUntilAvailable('POST', url, { token: tokens.sign(`farm ${i}`), headers: farm }),
    )
    const codes = new Map<unknown, number>()
    for (const { body } of answers) codes.set(body.code, (codes.get(body.code) ?? 0) + 1)
    expect(new Set(codes.keys())).toEqual(new Set(['TICKET_REFUSED', undefined]))
    // Slots of some accounts are equal, so a few more than a hundred.
    expect(codes.get(undefined)).toBeLessThan(110)
    expect(await askTicket(saleId, await newToken(), {}, { 'x-forwarded-for': '203.0.113.8' })).toMatchObject({
      status: 201,
    })
  })
})

describe('proof of work', () => {
  const opening = { ticket: TICKET, proofOfWork: { tries: 3 } }

  test('is asked for before a ticket, and one solution is one ticket', async () => {
    const saleId = await system.createSale({ opening })
    const [ann, bob] = [await newToken(), await newToken()]
    expectRefused(await askTicket(saleId, ann), 'PROOF_REQUIRED')
    expectRefused(await askTicket(saleId, ann, { proof: 'bm8=' }), 'PROOF_INVALID')
    const proof = await proofOf(saleId, ann)
    expectRefused(await askTicket(saleId, bob, { proof }), 'PROOF_INVALID')
    expectRefused(await askTicket(saleId, ann, { proof }, { 'idempotency-key': 'k' }), 'PROOF_INVALID')
    const given = await askTicket(saleId, ann, { proof })
    expect(given.status).toBe(201)
    expect((await askTicket(saleId, ann, { proof })).status).toBe(201)
    const { body } = await buy(saleId, ann, String(given.body.ticket))
    await cancel(String(body.id), ann)
    expectRefused(await buy(saleId, ann, String((await askTicket(saleId, ann, { proof })).body.ticket)), 'TICKET_USED')
  })

  test('is harder for a buyer of higher risk, and changed and switched off while the sale runs', async () => {
    const saleId = await system.createSale({ opening: { ...opening, proofOfWork: { tries: 10 } } })
    const triesMax = async (token: string, headers: Headers = {}) =>
      ((await askChallenge(saleId, token, headers)).body.parameters as Challenge['parameters']).data?.triesMax
    expect(await triesMax(await newToken())).toBe(19)
    const office = { 'x-forwarded-for': '198.51.100.1' }
    for (let i = 0; i < 7; i++) await askChallenge(saleId, await newToken(), office)
    expect(await triesMax(await newToken(), office)).toBe(35)
    const change = (rules: object) => system.controlRoom('PATCH', `/sales/${saleId}`, { opening: rules })
    const ticket = { ...TICKET, validMinutes: 10, refuseFrom: 80 }
    await change({ ticket, proofOfWork: { tries: 1 } })
    await untilShown(saleId, { ticket, proofOfWork: { tries: 1 } })
    expect(await triesMax(await newToken())).toBe(1)
    await change({ ticket })
    await untilShown(saleId, { ticket })
    expectRefused(await askChallenge(saleId, await newToken()), 'NOT_FOUND')
    expect(await ticketOf(saleId, await newToken())).toBeTruthy()
  })
})

describe('a buyer who lets orders lapse', () => {
  const lapses = { max: 2, waitSeconds: 600 }

  test('waits before the next purchase, also after Redis lost the sale, until the rule is taken away', async () => {
    const saleId = await system.createSale({ opening: { lapses } })
    const token = await newToken()
    for (let i = 0; i < 2; i++) await letLapse(String((await buy(saleId, token)).body.id), token)
    const refused = await buy(saleId, token)
    expectRefused(refused, 'LAPSED')
    const waitSeconds = Number(refused.headers.get('retry-after'))
    expect(waitSeconds > 0 && waitSeconds <= 600).toBe(true)
    expect(await buy(saleId, await newToken())).toMatchObject({ status: 202 })
    await system.auditAtRest(saleId)
    await loseSale(saleId)
    expectRefused(await bought(() => buy(saleId, token)), 'LAPSED')
    await system.controlRoom('PATCH', `/sales/${saleId}`, { opening: {} })
    await untilShown(saleId, undefined)
    expect(await buy(saleId, token)).toMatchObject({ status: 202 })
    expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true })
  })

  test('waits only so long, and orders that were cancelled or paid count for nothing', async () => {
    const saleId = await system.createSale({ opening: { lapses: { max: 1, waitSeconds: 1 } } })
    const token = await newToken()
    await cancel(String((await buy(saleId, token)).body.id), token)
    const again = await buy(saleId, token)
    expect(again.status).toBe(202)
    await letLapse(String(again.body.id), token)
    await eventually(
      'the wait to be over',
      () => buy(saleId, token),
      ({ status }) => status === 202,
    )
  })
})

test('tickets and challenges are limited by address, apart from purchases', async () => {
  const saleId = await system.createSale({ opening: { ticket: TICKET } })
  const token = await newToken()
  await system.stop('gateway')
  await system.start('gateway', { TICKET_BURST: '3', TICKET_RATE_PER_SECOND: '0.001' })
  try {
    const from = { 'x-forwarded-for': '203.0.113.9' }
    const answers = [
      await askTicket(saleId, token, {}, from),
      await askChallenge(saleId, token, from),
      await askTicket(saleId, 'nonsense', {}, from),
      await askTicket(saleId, token, {}, from),
    ]
    expect(answers.map(({ status }) => status)).toEqual([201, 404, 401, 429])
    expect(await buy(saleId, token, String(answers[0]?.body.ticket), from)).toMatchObject({ status: 202 })
    expect(await askTicket(saleId, token, {}, { 'x-forwarded-for': '203.0.113.10' })).toMatchObject({ status: 201 })
  } finally {
    await system.stop('gateway')
    await system.start('gateway')
  }
})

/** Deletes what Redis has of a sale; the cancel worker rebuilds it from PostgreSQL. */
async function loseSale(saleId: string): Promise<void> {
  const { redis, stock } = system.world
  const keys = await redis.keys(stock.keys.sale(saleId).replace(/sale$/, '*'))
  await redis.del(...keys)
}

/** Until the sale is open again. */
const bought = (attempt: () => ReturnType<typeof buy>) =>
  eventually('the sale to be rebuilt', attempt, ({ body }) => body.code !== 'UNAVAILABLE')
