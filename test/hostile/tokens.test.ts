import { createHmac, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLinkTokens } from '../../payment-provider/link-tokens.ts'
import { expectRefused } from '../support/expect-refused.ts'
import { call } from '../support/http-client.ts'
import { startSystem, type System } from '../support/system.ts'

let system: System
let saleId: string
beforeAll(async () => {
  system = await startSystem()
  saleId = await system.createSale()
})
afterAll(() => system.close())

/** Three checks of the same token: in front of Express, behind it, and in the order service. */
const doors = [
  ['POST', () => system.url(`/sales/${saleId}/reservations`)],
  ['GET', () => system.url(`/reservations/${saleId}.${'A'.repeat(22)}`)],
  ['GET', () => `${system.env.ORDER_SERVICE_URL}/orders/${randomUUID()}`],
] as const

async function expectStranger(headers: Record<string, string>): Promise<void> {
  for (const [method, url] of doors) {
    const answer = await call(method, url(), { headers })
    expectRefused(answer, 'UNAUTHENTICATED')
    expect(answer.headers.get('www-authenticate')).toBe('Bearer')
  }
}

const encoded = (part: unknown) =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')
const now = () => Math.floor(Date.now() / 1_000)
const header = { alg: 'HS256', typ: 'JWT' }
const claims = (changes: object = {}) => ({
  sub: 'mallory',
  aud: 'seckill',
  iat: now(),
  exp: now() + 3_600,
  ...changes,
})
const secret = () => system.env.TOKEN_SECRET ?? ''

function signed(payload: unknown, head: unknown = header, key = secret(), hash = 'sha256'): string {
  const body = `${encoded(head)}.${encoded(payload)}`
  return `${body}.${createHmac(hash, key).update(body).digest('base64url')}`
}
/** A valid token; each attack changes one thing. */
const good = () => signed(claims())

test('the token that the attacks are derived from is valid', async () => {
  expect(await call('GET', system.url(`/reservations/${saleId}.${'A'.repeat(22)}`), { token: good() })).toMatchObject({
    status: 404,
  })
})

describe('authentication is refused with', () => {
  test.each<[name: string, headers: () => Record<string, string>]>([
    ['nothing', () => ({})],
    ['an empty header', () => ({ authorization: '' })],
    ['the word Bearer', () => ({ authorization: 'Bearer' })],
    ['Bearer and a blank', () => ({ authorization: 'Bearer ' })],
    ['a token without the word', () => ({ authorization: good() })],
    ['a password', () => ({ authorization: `Basic ${Buffer.from('mallory:mallory').toString('base64')}` })],
    ['a token as a password', () => ({ authorization: `Basic ${good()}` })],
    ['two tokens', () => ({ authorization: `Bearer ${good()}, Bearer ${good()}` })],
    ['a token behind two blanks', () => ({ authorization: `Bearer  ${good()}` })],
    ['a token in a cookie', () => ({ cookie: `token=${good()}` })],
    [
      'a token in a header of another name',
      () => ({ 'x-authorization': `Bearer ${good()}`, 'proxy-authorization': `Bearer ${good()}` }),
    ],
    ["a buyer's id in a header", () => ({ 'x-user-id': 'mallory', 'x-buyer-id': 'mallory' })],
  ])('%s', async (_, headers) => {
    await expectStranger(headers())
  })

  test('a token in the address', async () => {
    for (const [method, url] of doors)
      expectRefused(await call(method, `${url()}?access_token=${good()}&token=${good()}`), 'UNAUTHENTICATED')
  })
})

const bodyOf = (token: string) => token.slice(0, token.lastIndexOf('.'))
const altered = (token: string, at: number) =>
  token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)

describe('a token is refused that', () => {
  test.each<[name: string, token: () => string]>([
    ['says alg none and is not signed', () => `${encoded({ alg: 'none', typ: 'JWT' })}.${encoded(claims())}.`],
    ['says alg None', () => `${encoded({ alg: 'None' })}.${encoded(claims())}.`],
    ['says alg none and is signed all the same', () => signed(claims(), { alg: 'none' })],
    ['says alg HS512, signed so with our secret', () => signed(claims(), { alg: 'HS512' }, secret(), 'sha512')],
    ['says alg RS256, signed with our secret', () => signed(claims(), { alg: 'RS256' })],
    ['says no alg', () => signed(claims(), { typ: 'JWT' })],
    ['says a list of algs', () => signed(claims(), { alg: ['HS256'] })],
    [
      'brings its own key along',
      () => signed(claims(), { ...header, jwk: { kty: 'oct', k: encoded('mine') } }, 'mine'),
    ],
    [
      'says where its key is',
      () => signed(claims(), { ...header, jku: 'http://127.0.0.1/keys', kid: '../../../../dev/null' }, ''),
    ],
    ['demands what we do not know', () => signed(claims(), { ...header, crit: ['exp2'], exp2: 1 })],
    ['is signed with another secret', () => signed(claims(), header, 'x'.repeat(48))],
    ['is signed with the payment secret', () => signed(claims(), header, system.env.PAYMENT_SECRET)],
    ['is not signed', () => `${bodyOf(good())}.`],
    ['has two parts', () => bodyOf(good())],
    ['has four parts', () => `${good()}.${encoded({})}`],
    ['has a signature cut short', () => good().slice(0, -2)],
    ['has another signature', () => altered(good(), good().length - 5)],
    [
      "has another token's signature",
      () => bodyOf(good()) + signed(claims({ sub: 'alice' })).slice(bodyOf(signed(claims({ sub: 'alice' }))).length),
    ],
    ['was altered in its claims', () => altered(good(), good().indexOf('.') + 12)],
    ['was altered in its header', () => altered(good(), 12)],
    ['has padding behind it', () => `${good()}=`],
    ['has a blank in it', () => good().replace('.', ' .')],
    ['is the admin token', () => system.env.ADMIN_TOKEN ?? ''],
    [
      'is a payment link',
      () =>
        createLinkTokens(secret()).sign({
          paymentId: randomUUID(),
          orderId: randomUUID(),
          amountCents: 1,
          currency: 'CNY',
        }),
    ],
    ['has claims that are no JSON', () => signed('sub=mallory')],
    ['has a list for claims', () => signed([claims()])],
    ['has null for claims', () => signed(null)],
    ['has a text for claims', () => signed('"mallory"')],
    ['has a header that is no JSON', () => signed(claims(), 'HS256')],
    ['has no audience', () => signed(claims({ aud: undefined }))],
    ['is for another shop', () => signed(claims({ aud: 'other' }))],
    ['is for payments', () => signed(claims({ aud: 'seckill-payment-link' }))],
    ['is for an object', () => signed(claims({ aud: { 0: 'seckill' } }))],
    ['expired a second ago', () => signed(claims({ exp: now() - 1 }))],
    ['expired in 1970', () => signed(claims({ exp: -1 }))],
    ['does not expire', () => signed(claims({ exp: undefined }))],
    ['expires at null', () => signed(claims({ exp: null }))],
    ['expires at a text', () => signed(claims({ exp: String(now() + 3_600) }))],
    ['expires in two days, which is longer than a token may live', () => signed(claims({ exp: now() + 2 * 86_400 }))],
    ['expires in a thousand years', () => signed(claims({ exp: now() + 31_536_000_000 }))],
    ['expires at infinity', () => signed(JSON.stringify(claims()).replace(/"exp":\d+/, '"exp":1e309'))],
    ['was issued tomorrow', () => signed(claims({ iat: now() + 86_400 }))],
    ['is not valid yet', () => signed(claims({ nbf: now() + 3_600 }))],
    ['has no subject', () => signed(claims({ sub: undefined }))],
    ['names an empty buyer', () => signed(claims({ sub: '' }))],
    ['names a number', () => signed(claims({ sub: 1 }))],
    ['names a list', () => signed(claims({ sub: ['alice'] }))],
    ['names an object', () => signed(claims({ sub: { toString: 'alice' } }))],
    ['names a buyer of 256 letters', () => signed(claims({ sub: 'x'.repeat(256) }))],
    ["names a folder of the control room's", () => signed(claims({ sub: '..' }))],
    ['names a buyer with a tab, as the names of token buckets have', () => signed(claims({ sub: '\tsale' }))],
    ['names a buyer by blanks alone', () => signed(claims({ sub: '  ' }))],
    ['names a buyer whom a log shows backwards', () => signed(claims({ sub: '\u202eecila' }))],
    ['names half a character', () => signed(claims({ sub: 'alice\ud83d' }))],
    ['names a buyer with a line break', () => signed(claims({ sub: 'alice\n' }))],
    ['names a buyer with a NUL', () => signed(claims({ sub: 'alice\0' }))],
    ['is right, and larger than any of ours', () => signed(claims({ filler: 'x'.repeat(3_100) }))],
    ['is right, and 10 KB large', () => signed(claims({ filler: 'x'.repeat(7_500) }))],
    ['is 10,000 dots', () => '.'.repeat(10_000)],
    ['is 10,000 letters', () => 'A'.repeat(10_000)],
  ])('%s', async (_, token) => {
    await expectStranger({ authorization: `Bearer ${token()}` })
  })
})

describe('tokens of an outside login', () => {
  const day = 86_400

  test('authenticate buyers in every form that logins give them', async () => {
    const shapes = [
      { iat: undefined },
      { exp: now() + day },
      { iat: now() + 600, nbf: now() + 600 },
      { aud: ['https://shop.example', 'seckill'] },
      { permissions: 'x'.repeat(2_000) },
    ]
    const tokens = shapes.map((shape, i) => signed(claims({ sub: `outside|${i}`, ...shape })))
    const sale = await system.createSale({ stock: tokens.length })
    const answers = await Promise.all(tokens.map((token) => system.buy(sale, token)))
    expect(answers.map(({ status }) => status)).toEqual(tokens.map(() => 202))
    const orders = await Promise.all(answers.map(({ body }, i) => system.settled(String(body.id), tokens[i] ?? '')))
    const read = await Promise.all(
      orders.map(({ orderId }, i) =>
        call('GET', `${system.env.ORDER_SERVICE_URL}/orders/${String(orderId)}`, { token: tokens[i] ?? '' }),
      ),
    )
    expect(read.map(({ status }) => status)).toEqual(tokens.map(() => 200))
    expect(await system.auditAtRest(sale)).toMatchObject({
      balanced: true,
      sales: [{ redisLeft: 0, sold: tokens.length }],
    })
  })

  test.each<[claim: string, changes: object, said: string]>([
    ['sub', { sub: 'a\nb' }, "its sub is no buyer's id: expected no control characters."],
    ['sub', { sub: 'x'.repeat(256) }, "its sub is no buyer's id: expected at most 255 characters."],
    ['aud', { aud: 'https://api.example' }, 'its aud is for others: expected "seckill", or a list with it.'],
    ['exp', { exp: undefined }, 'its exp is missing or no number: expected the seconds since 1970 at which it ends.'],
    ['exp', { exp: now() - 1 }, 'its exp is over: sign in again.'],
    ['exp', { exp: now() + 30 * day }, 'its exp is too far away: expected at most 24 hours after iat, or from now.'],
    ['iat', { iat: now() + 3_600 }, 'its iat is in the future: one of the two clocks is wrong.'],
    ['nbf', { nbf: now() + 3_600 }, 'its nbf is in the future: one of the two clocks is wrong.'],
  ])('are refused with what is wrong with %s, and only when they are signed: %j', async (_claim, changes, said) => {
    for (const [method, url] of doors) {
      const detail = async (token: string) => (await call(method, url(), { token })).body.detail
      expect(await detail(signed(claims(changes)))).toBe(`The token is signed, but ${said}`)
      expect(await detail(signed(claims(changes), header, 'x'.repeat(48)))).toBe(
        'Send a valid token as "Authorization: Bearer <token>".',
      )
    }
  })
})

test('no attack took a unit, and every unit is accounted for', async () => {
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ redisLeft: 10, sold: 0 }] })
})
