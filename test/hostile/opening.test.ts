import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PlaceView } from '../../core/contracts/places.ts'
import type { ProblemCode } from '../../core/contracts/problems.ts'
import { ADMISSION_HEADER, TICKET_HEADER } from '../../core/contracts/ticket-header.ts'
import { createTokens } from '../../core/platform/http/tokens.ts'
import { createProofOfWork } from '../../gateway/opening/proof-of-work.ts'
import { createTickets } from '../../gateway/opening/tickets.ts'
import { createAdmissions } from '../../gateway/waiting-room/admissions.ts'
import { cancelOrder } from '../support/cancel-order.ts'
import { eventually } from '../support/eventually.ts'
import { expectRefused } from '../support/expect-refused.ts'
import { type Answer, call, callUntilAvailable } from '../support/http-client.ts'
import { inParallel } from '../support/parallel.ts'
import { RawConnection } from '../support/raw-http.ts'
import { proofFor } from '../support/solve-challenge.ts'
import { startSystem, type System } from '../support/system.ts'
import { shortOrLong } from '../support/thoroughness.ts'

const MINUTE_MS = 60_000
const TICKET = { fromMinutesBefore: 10, validMinutes: 10, refuseFrom: 80 }
const ROOM = { perSecond: 1_000, absentSeconds: 600 }

let system: System
let ticketSale: string
let roomSale: string
beforeAll(async () => {
  system = await startSystem({ TRUST_PROXY_HOPS: '1' })
  ticketSale = await system.createSale({ opening: { ticket: TICKET } })
  roomSale = await system.createSale({ opening: { waitingRoom: ROOM } })
})
afterAll(() => system.close())

type Headers = Record<string, string>
const secret = () => system.env.TOKEN_SECRET ?? ''
const tokenOf = (buyerId: string) => createTokens(secret()).sign(buyerId)
const buy = (saleId: string, buyerId: string, headers: Headers = {}, body: object = {}) =>
  system.buy(saleId, tokenOf(buyerId), body, headers)
const askTicket = (saleId: string, buyerId: string, body: object = {}, headers: Headers = {}) =>
  call('POST', system.url(`/sales/${saleId}/tickets`), { token: tokenOf(buyerId), body, headers })
async function ticketOf(saleId: string, buyerId: string, headers: Headers = {}): Promise<string> {
  const { body, text } = await askTicket(saleId, buyerId, {}, headers)
  expect(body.ticket, text).toBeTruthy()
  return String(body.ticket)
}
const withTicket = (ticket: string, key?: string): Headers => ({
  [TICKET_HEADER]: ticket,
  ...(key !== undefined && { 'idempotency-key': key }),
})
/** As if the buyer had been admitted. */
const admissionOf = (saleId: string, buyerId: string) =>
  createAdmissions(secret()).give(saleId, buyerId, Date.now() + MINUTE_MS)
const cancel = (answer: Answer, buyerId: string) => cancelOrder(system, String(answer.body.id), tokenOf(buyerId))
const change = (saleId: string, body: object) => system.controlRoom('PATCH', `/sales/${saleId}`, body)
async function switchRules(saleId: string, opening: object): Promise<void> {
  await change(saleId, { opening })
  await eventually(
    'the gateway to know the rules',
    () => call('GET', system.url(`/sales/${saleId}`)),
    ({ body }) => isDeepStrictEqual(body.opening ?? {}, opening),
  )
}

describe('a stranger', () => {
  const inBase64 = (text: string) => Buffer.from(text).toString('base64url')
  const spliced = (own: string, others: string) =>
    own.slice(0, own.lastIndexOf('.')) + others.slice(others.lastIndexOf('.'))
  const ownTicket = () => ticketOf(ticketSale, 'mallory')

  test.each<[what: string, forge: () => string | Promise<string>]>([
    ['nothing', () => ''],
    ['blanks', () => '   '],
    ['the word undefined', () => 'undefined'],
    ['their token', () => tokenOf('mallory')],
    ['the claims without a signature', async () => (await ownTicket()).replace(/[^.]*$/, '')],
    [
      "their claims under another's signature",
      async () => spliced(await ownTicket(), await ticketOf(ticketSale, 'ann')),
    ],
    ['their ticket twice', async () => `${await ownTicket()}, ${await ownTicket()}`],
    ['their ticket in quotation marks', async () => `"${await ownTicket()}"`],
    ['their ticket as Bearer', async () => `Bearer ${await ownTicket()}`],
    ['their ticket in capitals', async () => (await ownTicket()).toUpperCase()],
    ['their ticket, percent-encoded', async () => (await ownTicket()).replaceAll('.', '%2E')],
    ['their ticket with a part more', async () => `${await ownTicket()}.x`],
    ['their ticket, to the year 9999', async () => (await ownTicket()).replace(/\.[^.]+(\.[^.]+)$/, '.zzzzzzzzz$1')],
    ['JSON', () => JSON.stringify({ saleId: ticketSale, buyerId: 'mallory' })],
    ['a JWT without a signature', () => `${inBase64('{"alg":"none"}')}.${inBase64('{"sub":"mallory"}')}.`],
    ['bytes above ASCII', () => 'é.ÿ.\u0080'],
    ['8,000 letters', () => 'A'.repeat(8_000)],
    ['8,000 dots', () => '.'.repeat(8_000)],
  ])('buys nothing with %s for a ticket', async (_, forge) => {
    const forged = await forge()
    expectRefused(await buy(ticketSale, 'mallory', { [TICKET_HEADER]: forged }), 'TICKET_INVALID')
    expectRefused(await buy(roomSale, 'mallory', { [ADMISSION_HEADER]: forged }), 'ADMISSION_INVALID')
  })

  test('buys nothing with an admission for a ticket, or the other way round', async () => {
    const admission = admissionOf(ticketSale, 'mallory')
    expectRefused(await buy(ticketSale, 'mallory', { [TICKET_HEADER]: admission }), 'TICKET_INVALID')
    const ticket = createTickets(secret()).give(
      { saleId: roomSale, buyerId: 'mallory', key: undefined },
      0,
      Date.now() + MINUTE_MS,
    )
    expectRefused(await buy(roomSale, 'mallory', { [ADMISSION_HEADER]: ticket }), 'ADMISSION_INVALID')
  })

  test('buys nothing with a header that is larger than any may be, or that is sent twice', async () => {
    const request = (lines: string) =>
      `POST /sales/${ticketSale}/reservations HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer ${tokenOf('mallory')}\r\n` +
      `${lines}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`
    const ticket = await ownTicket()
    const twice = `Seckill-Ticket: ${ticket}\r\nSeckill-Ticket: ${ticket}\r\n`
    for (const [lines, status] of [
      [`Seckill-Ticket: ${'a'.repeat(20_000)}\r\n`, 431],
      [twice, 403],
    ] as const) {
      const connection = await new RawConnection(system.url('/')).opened()
      connection.send(request(lines))
      await eventually(
        'an answer',
        () => connection.received,
        (received) => received.includes('\r\n\r\n'),
      )
      connection.close()
      expect(connection.received).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    }
  })

  test.each<[what: string, path: () => string, code: ProblemCode, body?: object, headers?: () => Promise<Headers>]>([
    ['in the address', () => `/sales/${ticketSale}/reservations?ticket=x&seckill-ticket=x`, 'TICKET_REQUIRED'],
    ['in the body', () => `/sales/${ticketSale}/reservations`, 'INVALID_REQUEST', { ticket: 'x' }],
    [
      'in a cookie, or under another name',
      () => `/sales/${ticketSale}/reservations`,
      'TICKET_REQUIRED',
      {},
      async () => ({ cookie: `seckill-ticket=${await ownTicket()}`, 'x-seckill-ticket': await ownTicket() }),
    ],
    ['by another spelling of the path', () => `/Sales/${ticketSale}/Reservations/`, 'TICKET_REQUIRED'],
    [
      'by an encoded id',
      () => `/sales/%${ticketSale.charCodeAt(0).toString(16)}${ticketSale.slice(1)}/reservations`,
      'TICKET_REQUIRED',
    ],
    ['through the room', () => `/sales/${roomSale}/reservations?admission=x`, 'ADMISSION_REQUIRED'],
    ['through the room, by another spelling', () => `/SALES/${roomSale}/reservations/`, 'ADMISSION_REQUIRED'],
  ])('does not get round the rules %s', async (_, path, code, body = {}, headers = () => Promise.resolve({})) => {
    const answer = await call('POST', system.url(path()), {
      token: tokenOf('mallory'),
      body,
      headers: await headers(),
    })
    expectRefused(answer, code)
  })

  test.each<[what: string, proof: unknown, code: ProblemCode]>([
    ['an object', { challenge: {} }, 'INVALID_REQUEST'],
    ['a number', 1, 'INVALID_REQUEST'],
    ['5,000 characters', 'A'.repeat(5_000), 'INVALID_REQUEST'],
    ['a list in a list, 1,000 deep', inBase64('['.repeat(1_000)), 'PROOF_INVALID'],
    ['a challenge that names its prototype', inBase64('{"__proto__":{"challenge":1},"solution":1}'), 'PROOF_INVALID'],
    [
      'work for an hour, under a signature of their own',
      inBase64(
        JSON.stringify({
          challenge: {
            parameters: {
              algorithm: 'PBKDF2/SHA-512',
              cost: 2 ** 31 - 1,
              keyLength: 2 ** 20,
              salt: '00',
              nonce: '00',
              keyPrefix: '',
              keySignature: '00',
              expiresAt: 9e9,
              data: { subject: 'x', givenAtMs: 0, triesMax: 1 },
            },
            signature: '00'.repeat(32),
          },
          solution: { counter: 0, derivedKey: '00' },
        }),
      ),
      'PROOF_INVALID',
    ],
  ])('gets no ticket for %s as proof of work', async (_, proof, code) => {
    const saleId = await system.createSale({ opening: { ticket: TICKET, proofOfWork: { tries: 1_000 } } })
    expectRefused(await askTicket(saleId, 'mallory', { proof }), code)
  })

  test('in another spelling asks for no more tickets than the limit of the address allows', async () => {
    await system.stop('gateway')
    await system.start('gateway', { TICKET_BURST: '4', TICKET_RATE_PER_SECOND: '0.001' })
    try {
      const ask = async (method: string, path: string) =>
        (await fetch(system.url(path), { method, headers: { 'x-forwarded-for': '203.0.113.20' } })).status
      const asked = [
        await ask('POST', `/sales/${ticketSale}/tickets/`),
        await ask('POST', `/SALES/${ticketSale}/Tickets?again`),
        await ask('GET', `/sales/${ticketSale}/challenge/`),
        await ask('HEAD', `/sales/${ticketSale}/challenge`),
      ]
      expect(asked).toEqual([401, 401, 401, 401])
      expect(await ask('POST', `/sales/${ticketSale}/tickets`)).toBe(429)
    } finally {
      await system.stop('gateway')
      await system.start('gateway')
    }
  })
})

describe('a buyer', () => {
  test('of the longest id buys by ticket and admission', async () => {
    const saleId = await system.createSale({ opening: { ticket: TICKET, waitingRoom: ROOM } })
    const buyerId = '抢'.repeat(255)
    const key = { 'idempotency-key': '~'.repeat(64) }
    const headers = {
      ...key,
      [TICKET_HEADER]: await ticketOf(saleId, buyerId, key),
      [ADMISSION_HEADER]: admissionOf(saleId, buyerId),
    }
    expect(await buy(saleId, buyerId, headers)).toMatchObject({ status: 202 })
  })

  test('gets one unit by a ticket sent fifty times at once, and no more than the limit by one admission', async () => {
    const ticket = await ticketOf(ticketSale, 'eager')
    const answers = await inParallel(50, 25, () => buy(ticketSale, 'eager', withTicket(ticket)))
    expect(new Set(answers.map(({ status, body }) => `${status} ${String(body.id)}`)).size).toBe(1)
    expect(answers[0]?.status).toBe(202)

    const saleId = await system.createSale({ opening: { waitingRoom: ROOM }, perBuyerLimit: 2 })
    const admission = admissionOf(saleId, 'eager')
    const purchases = await inParallel(30, 15, (i) =>
      buy(saleId, 'eager', { [ADMISSION_HEADER]: admission, 'idempotency-key': `k${i}` }),
    )
    expect(purchases.filter(({ status }) => status === 202)).toHaveLength(2)
    expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 2 }] })
  })

  test('of a draw gets one unit, and after its order has ended none, by however many purchases', async () => {
    const saleId = await system.createSale({ opening: { draw: { admissionSeconds: 600 } } })
    const admission = { [ADMISSION_HEADER]: admissionOf(saleId, 'winner') }
    const many = () => inParallel(20, 10, (i) => buy(saleId, 'winner', { ...admission, 'idempotency-key': `k${i}` }))
    const won = (await many()).filter(({ status }) => status === 202)
    expect(won).toHaveLength(1)
    await cancel(won[0] as Answer, 'winner')
    for (const answer of await many()) expectRefused(answer, 'ADMISSION_USED')
    expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 0 }] })
  })

  test('does not get used tickets back by orders under other keys', async () => {
    const saleId = await system.createSale({ opening: { ticket: TICKET }, stock: 20, perBuyerLimit: 10 })
    const keys = Array.from({ length: 10 }, (_, i) => `k${i}`)
    const tickets = await Promise.all(keys.map((key) => ticketOf(saleId, 'cycler', { 'idempotency-key': key })))
    const attempt = (i: number) => buy(saleId, 'cycler', withTicket(tickets[i] ?? '', keys[i]))
    const orders = await Promise.all(keys.map((_, i) => attempt(i)))
    await Promise.all(orders.map((order) => cancel(order, 'cycler')))
    const fresh = await buy(saleId, 'cycler', withTicket(await ticketOf(saleId, 'cycler')))
    expect(fresh.status).toBe(202)
    for (const i of keys.keys()) expectRefused(await attempt(i), 'TICKET_USED')
    expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 1 }] })
  })

  test('finds a used ticket used, and an unused one valid, when the rule was switched off and on', async () => {
    const saleId = await system.createSale({ opening: { ticket: TICKET } })
    const [used, unused] = [await ticketOf(saleId, 'ann'), await ticketOf(saleId, 'bob')]
    await cancel(await buy(saleId, 'ann', withTicket(used)), 'ann')
    await switchRules(saleId, {})
    await cancel(await buy(saleId, 'ann'), 'ann')
    expectRefused(await askTicket(saleId, 'ann'), 'NOT_FOUND')
    await switchRules(saleId, { ticket: TICKET })
    expectRefused(await buy(saleId, 'ann', withTicket(used)), 'TICKET_USED')
    expectRefused(await buy(saleId, 'bob'), 'TICKET_REQUIRED')
    expect(await buy(saleId, 'bob', withTicket(unused))).toMatchObject({ status: 202 })
    expect(await buy(saleId, 'ann', withTicket(await ticketOf(saleId, 'ann')))).toMatchObject({ status: 202 })
  })

  test('who is put on the blacklist while registered for a draw is passed over, and the next one buys', async () => {
    const opening = { draw: { admissionSeconds: 3_600 } }
    const saleId = await system.createSale({ opening, stock: 1, opensInMs: 10 * MINUTE_MS })
    const place = (buyerId: string) => call('POST', system.url(`/sales/${saleId}/place`), { token: tokenOf(buyerId) })
    const people = ['drawn 1', 'drawn 2', 'drawn 3']
    for (const person of people) expect((await place(person)).body.state).toBe('REGISTERED')
    const { openingSeed } = await system.world.database.sale.findUniqueOrThrow({ where: { id: saleId } })
    const numberOf = (person: string) => createHash('sha256').update(`${openingSeed} ${person}`).digest('hex')
    const [first = '', second = ''] = people.toSorted((one, other) => (numberOf(one) < numberOf(other) ? -1 : 1))
    await system.controlRoom('PUT', `/blacklist/${encodeURIComponent(first)}`, { reason: 'a farm' })
    await change(saleId, { opensAt: new Date().toISOString() })
    const { body } = await eventually(
      'the next one to be admitted',
      () => place(second),
      (answer) => answer.body.state === 'ADMITTED',
    )
    expectRefused(await place(first), 'NOT_ELIGIBLE')
    const { admission = '' } = body as unknown as PlaceView
    expect(await buy(saleId, second, { [ADMISSION_HEADER]: admission })).toMatchObject({ status: 202 })
  })
})

describe('a clock', () => {
  test('of a client gives no ticket early, nor does a ticket open a sale, also when the opening is moved', async () => {
    const saleId = await system.createSale({
      opening: { ticket: TICKET },
      opensInMs: 60 * MINUTE_MS,
      closesInMs: 120 * MINUTE_MS,
    })
    const tomorrow = { date: new Date(Date.now() + 1_440 * MINUTE_MS).toUTCString(), 'x-timestamp': '9999999999999' }
    expectRefused(await askTicket(saleId, 'ann', {}, tomorrow), 'TICKETS_NOT_YET')
    const opensIn = (ms: number) => change(saleId, { opensAt: new Date(Date.now() + ms).toISOString() })
    await opensIn(5 * MINUTE_MS)
    const { body } = await eventually(
      'tickets to be given',
      () => askTicket(saleId, 'ann'),
      ({ status }) => status === 201,
    )
    const early = withTicket(String(body.ticket))
    expectRefused(await buy(saleId, 'ann', early), 'NOT_STARTED')
    await opensIn(59 * MINUTE_MS)
    await eventually(
      'the window to be closed again',
      () => askTicket(saleId, 'ann'),
      (answer) => answer.body.code === 'TICKETS_NOT_YET',
    )
    expectRefused(await buy(saleId, 'ann', early), 'NOT_STARTED')
    await opensIn(-1_000)
    expect(await buy(saleId, 'ann', early)).toMatchObject({ status: 202 })
  })

  test('that stepped back leaves tickets of a time to come, each of which is for one order', async () => {
    const saleId = await system.createSale({ opening: { ticket: TICKET } })
    const purchase = { saleId, buyerId: 'ann', key: undefined }
    const give = (givenInMs: number, expiresInMs: number) =>
      withTicket(createTickets(secret()).give(purchase, Date.now() + givenInMs, Date.now() + expiresInMs))
    expectRefused(await buy(saleId, 'ann', give(60 * MINUTE_MS, -1_000)), 'TICKET_EXPIRED')
    const future = give(60 * MINUTE_MS, MINUTE_MS)
    await cancel(await buy(saleId, 'ann', future), 'ann')
    expectRefused(await buy(saleId, 'ann', future), 'TICKET_USED')
    expect(await buy(saleId, 'ann', withTicket(await ticketOf(saleId, 'ann')))).toMatchObject({ status: 202 })
  })

  test('of a slow device: who solves a challenge in nine minutes gets a ticket that is valid', async () => {
    const opening = { ticket: { ...TICKET, validMinutes: 1 }, proofOfWork: { tries: 1 } }
    const saleId = await system.createSale({ opening, opensInMs: -20 * MINUTE_MS })
    const work = createProofOfWork(secret())
    const purchase = { saleId, buyerId: 'slow', key: undefined }
    const proof = await proofFor(await work.challenge(purchase, 1, Date.now() - 9 * MINUTE_MS))
    const ticketFor = async () => withTicket(String((await askTicket(saleId, 'slow', { proof })).body.ticket))
    const order = await buy(saleId, 'slow', await ticketFor())
    expect(order.status).toBe(202)
    await cancel(order, 'slow')
    expectRefused(await buy(saleId, 'slow', await ticketFor()), 'TICKET_USED')
  })
})

test('a thousand accounts of one IPv6 network that forge where they come from count as one address', async () => {
  const url = system.url(`/sales/${ticketSale}/tickets`)
  const answers = await inParallel(shortOrLong(150, 1_000), 10, (i) =>
    callUntilAvailable('POST', url, {
      token: tokenOf(`farm ${i}`),
      // The proxy in front writes the last entry.
      headers: { 'x-forwarded-for': `198.51.100.${i % 250}, 2001:db8:0:7::${(i + 1).toString(16)}` },
    }),
  )
  const given = answers.filter(({ status }) => status === 201)
  // Slots of some accounts are equal, so a few more than a hundred.
  expect(given.length).toBeLessThan(110)
  const refused = answers.filter(({ status }) => status !== 201)
  expect(new Set(refused.map(({ body }) => body.code))).toEqual(new Set(['TICKET_REFUSED']))
  const neighbour = { 'x-forwarded-for': '2001:db8:0:8::1' }
  expect(await askTicket(ticketSale, 'neighbour', {}, neighbour)).toMatchObject({ status: 201 })
})

test('no attack took a unit more, and every unit is accounted for', async () => {
  expect(await system.auditAtRest(roomSale)).toMatchObject({ balanced: true, sales: [{ sold: 0 }] })
  expect(await system.auditAtRest(ticketSale)).toMatchObject({ balanced: true, sales: [{ sold: 1 }] })
})
