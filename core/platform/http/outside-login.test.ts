import { createHmac, KeyObject, sign } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { KeySet } from './key-set.ts'
import { ASYMMETRIC } from './outside-login.ts'
import { createTokens, OUR_RULES, type Tokens } from './tokens.ts'

const secret = 'x'.repeat(32)
const rules = {
  ...OUR_RULES,
  issuer: 'https://login.example',
  audience: 'https://shop.example',
  tierClaim: 'group',
  blockedClaim: 'banned',
  registeredClaim: 'joined',
}
const NOT_VALID = { fault: 'Send a valid token as "Authorization: Bearer <token>".' }

let server: Server
let origin: string
/** Paths that were asked for. */
let asked: string[] = []
let published: string[] = [...ASYMMETRIC, 'second']
const pairs = new Map<string, { alg: string; privateKey: CryptoKey; publicKey: CryptoKey }>()
let keySet: KeySet
let tokens: Tokens

beforeAll(async () => {
  for (const [kid, alg] of [...ASYMMETRIC.map((alg) => [alg, alg] as const), ['second', 'RS256'] as const])
    pairs.set(kid, { alg, ...(await generateKeyPair(alg, { extractable: true })) })
  server = createServer((req, res) => {
    asked.push(req.url ?? '')
    const keys = published.map(async (kid) => ({ ...(await exportJWK(pair(kid).publicKey)), kid, alg: pair(kid).alg }))
    void Promise.all(keys).then((all) => res.end(JSON.stringify({ keys: all })))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  keySet = new KeySet(new URL(`${origin}/jwks`))
  await keySet.read()
  tokens = createTokens(secret, { login: { keySet, algorithms: ASYMMETRIC, rules } })
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
afterEach(() => vi.useRealTimers())

function pair(kid: string) {
  const found = pairs.get(kid)
  if (!found) throw new Error(`No key ${kid}`)
  return found
}
const now = () => Math.floor(Date.now() / 1_000)
const claims = (changes: object = {}): JWTPayload => ({
  iss: 'https://login.example',
  aud: 'https://shop.example',
  sub: 'auth0|ann',
  iat: now(),
  exp: now() + 3_600,
  ...changes,
})
const signed = (
  payload: JWTPayload,
  { kid = 'RS256', by = kid, header = {} }: { kid?: string; by?: string; header?: object } = {},
) => new SignJWT(payload).setProtectedHeader({ alg: pair(by).alg, kid, ...header }).sign(pair(by).privateKey)
const encoded = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url')
const hmac = (key: string, alg = 'HS256') => {
  const body = `${encoded({ alg, kid: 'RS256' })}.${encoded(claims())}`
  return `${body}.${createHmac('sha256', key).update(body).digest('base64url')}`
}

/** What jose would not sign. */
const signedByHand = (header: object) => {
  const body = `${encoded(header)}.${encoded(claims())}`
  const signature = sign('RSA-SHA256', Buffer.from(body), KeyObject.from(pair('RS256').privateKey))
  return `${body}.${signature.toString('base64url')}`
}

test.each(ASYMMETRIC)('a token by %s and a key of the set yields its buyer', async (alg) => {
  expect(await tokens.verify(await signed(claims({ group: 'vip' }), { kid: alg }))).toEqual({
    buyer: { id: 'auth0|ann', claims: { tier: 'vip' } },
  })
})

test('a token that is signed by hand is as valid', async () => {
  expect(await tokens.verify(signedByHand({ alg: 'RS256', kid: 'RS256' }))).toHaveProperty('buyer')
})

test('a buyer is blocked by the claim of that name when it is true, and only then', async () => {
  const blocked = async (changes: object) => tokens.verify(await signed(claims(changes)))
  expect(await blocked({ banned: true })).toMatchObject({ buyer: { isBlocked: true } })
  for (const changes of [{ banned: 'no' }, { banned: false }, { blocked: true }])
    expect(await blocked(changes)).toEqual({ buyer: { id: 'auth0|ann', claims: {} } })
})

test('tokens under the shared secret stay valid beside it', () => {
  expect(tokens.verify(tokens.sign('bob', { tier: 'vip' }))).toEqual({ buyer: { id: 'bob', claims: { tier: 'vip' } } })
})

describe('a token is not valid that', () => {
  test.each<[name: string, token: () => string | Promise<string>]>([
    ['says alg none', () => `${encoded({ alg: 'none', kid: 'RS256' })}.${encoded(claims())}.`],
    ['is an HMAC with the public key as PEM', async () => hmac(await exportSPKI(pair('RS256').publicKey))],
    [
      'is an HMAC with the public key as JWK',
      async () => hmac(JSON.stringify(await exportJWK(pair('RS256').publicKey))),
    ],
    [
      'is an HMAC with the modulus of the public key',
      async () => hmac((await exportJWK(pair('RS256').publicKey)).n ?? ''),
    ],
    ['is an HMAC under the secret that says RS256', () => hmac(secret, 'RS256')],
    ['names a foreign kid', () => signed(claims(), { kid: 'foreign', by: 'RS256' })],
    ['names no kid, where two keys would do', () => signed(claims(), { header: { kid: undefined } })],
    ["names another key's kid", () => signed(claims(), { kid: 'second', by: 'RS256' })],
    ['names a kid of another algorithm', () => signed(claims(), { kid: 'ES256', by: 'RS256' })],
    [
      'was altered',
      async () => (await signed(claims())).replace(/\..{20}/, `.${encoded({ sub: 'auth0|eve' }).slice(0, 20)}`),
    ],
    ['demands what we do not know', () => signedByHand({ alg: 'RS256', kid: 'RS256', crit: ['exp2'], exp2: 1 })],
    ['is encrypted', () => `${encoded({ alg: 'RSA-OAEP', enc: 'A256GCM', kid: 'RS256' })}.a.b.c.d`],
    ['is larger than 4,096 characters', () => signed(claims({ filler: 'x'.repeat(4_000) }))],
  ])('%s', async (_, token) => {
    expect(await tokens.verify(await token())).toEqual(NOT_VALID)
  })

  test.each(['jku', 'x5u', 'jwk'])('brings its own key along in %s, which is not looked at', async (name) => {
    const own = await generateKeyPair('RS256', { extractable: true })
    asked = []
    const value = name === 'jwk' ? { ...(await exportJWK(own.publicKey)), kid: 'RS256' } : `${origin}/evil`
    const token = new SignJWT(claims()).setProtectedHeader({ alg: 'RS256', kid: 'RS256', [name]: value })
    expect(await tokens.verify(await token.sign(own.privateKey))).toEqual(NOT_VALID)
    expect(asked).toEqual([])
  })

  test('is by an algorithm that is not allowed, though the set has its key', async () => {
    const onlyRsa = createTokens(secret, { login: { keySet, algorithms: ['RS256'], rules } })
    expect(await onlyRsa.verify(await signed(claims(), { kid: 'ES256' }))).toEqual(NOT_VALID)
    expect(await onlyRsa.verify(await signed(claims()))).toMatchObject({ buyer: { id: 'auth0|ann' } })
  })
})

const hour = 3_600
test.each<[claim: string, changes: object, said: string]>([
  ['iss', { iss: 'https://evil.example' }, `its iss is another login's: expected "https://login.example".`],
  ['iss', { iss: undefined }, `its iss is another login's: expected "https://login.example".`],
  ['aud', { aud: 'seckill' }, 'its aud is for others: expected "https://shop.example", or a list with it.'],
  ['exp', { exp: now() - 1 }, 'its exp is over: sign in again.'],
  ['exp', { exp: undefined }, 'its exp is missing or no number: expected the seconds since 1970 at which it ends.'],
  ['nbf', { nbf: now() + hour }, 'its nbf is in the future: one of the two clocks is wrong.'],
  ['iat', { iat: now() + hour }, 'its iat is in the future: one of the two clocks is wrong.'],
  ['exp', { exp: now() + 25 * hour }, 'its exp is too far away: expected at most 24 hours after iat, or from now.'],
  ['exp', { iat: now() - 25 * hour }, 'its exp is too far away: expected at most 24 hours after iat, or from now.'],
  [
    'exp',
    { iat: undefined, exp: now() + 25 * hour },
    'its exp is too far away: expected at most 24 hours after iat, or from now.',
  ],
  ['sub', { sub: 'x'.repeat(256) }, "its sub is no buyer's id: expected at most 255 characters."],
])('a signed token is refused with what is wrong with %s: %j', async (_claim, changes, said) => {
  expect(await tokens.verify(await signed(claims(changes)))).toEqual({ fault: `The token is signed, but ${said}` })
})

describe('a verified token is remembered', () => {
  test('and not verified again, until as many others were', async () => {
    const small = createTokens(secret, { login: { keySet, algorithms: ASYMMETRIC, rules }, rememberedMax: 1 })
    const [ann, bob] = await Promise.all([signed(claims()), signed(claims({ sub: 'bob' }))])
    const isVerified = async (token: string) => {
      const verifying = small.verify(token)
      expect(await verifying).toHaveProperty('buyer')
      return verifying instanceof Promise
    }
    expect([await isVerified(ann), await isVerified(ann), await isVerified(bob), await isVerified(ann)]).toEqual([
      true,
      false,
      true,
      true,
    ])
  })

  test('until it ends', async () => {
    const all = [await signed(claims()), tokens.sign('ann')]
    for (const token of all) expect(await tokens.verify(token)).toHaveProperty('buyer')
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 13 * hour * 1_000 })
    for (const token of all)
      expect(await tokens.verify(token)).toEqual({ fault: 'The token is signed, but its exp is over: sign in again.' })
  })

  test('until its key is taken out of the set', async () => {
    const token = await signed(claims(), { kid: 'second' })
    expect(await tokens.verify(token)).toHaveProperty('buyer')
    published = [...ASYMMETRIC]
    await keySet.read()
    expect(await tokens.verify(token)).toEqual(NOT_VALID)
    expect(await tokens.verify(await signed(claims()))).toHaveProperty('buyer')
  })

  test('as itself: one with other claims and its signature is refused', async () => {
    const token = await signed(claims())
    expect(await tokens.verify(token)).toHaveProperty('buyer')
    const [header = '', , signature = ''] = token.split('.')
    expect(await tokens.verify(`${header}.${encoded(claims({ sub: 'eve' }))}.${signature}`)).toEqual(NOT_VALID)
  })
})
