import { afterAll, beforeAll, expect, test } from 'vitest'
import { ASYMMETRIC } from '../../core/platform/http/outside-login.ts'
import { eventually } from '../support/eventually.ts'
import { expectRefused } from '../support/expect-refused.ts'
import { call } from '../support/http-client.ts'
import { type OidcLogin, startOidcLogin } from '../support/oidc-login.ts'
import { startSystem, type System } from '../support/system.ts'

const BLOCKED = 'auth0|blocked'
const LONGEST = `${'x'.repeat(250)}|long`

let login: OidcLogin
let system: System
beforeAll(async () => {
  login = await startOidcLogin('https://shop.example', {
    ann: { group: 'vip' },
    bob: {},
    [LONGEST]: {},
    [BLOCKED]: { banned: true },
  })
  system = await startSystem({
    LOGIN_JWKS: login.jwks,
    LOGIN_ISSUER: login.issuer,
    LOGIN_AUDIENCE: 'https://shop.example',
    LOGIN_TIER_CLAIM: 'group',
    LOGIN_BLOCKED_CLAIM: 'banned',
    LOGIN_REFRESH_SECONDS: '1',
  })
})
afterAll(async () => {
  await system.close()
  await login.stop()
})

const order = (orderId: unknown, token: string) =>
  call('GET', `${system.env.ORDER_SERVICE_URL}/orders/${String(orderId)}`, { token })
const readiness = async (service: 'GATEWAY' | 'ORDER_SERVICE') =>
  call('GET', `http://127.0.0.1:${system.env[`${service}_PORT`]}/readyz`)

test('buyers of an OpenID provider buy and read their orders, with each algorithm', async () => {
  const saleId = await system.createSale({ stock: 10 })
  for (const [i, algorithm] of ASYMMETRIC.entries()) {
    const token = await login.tokenOf(['ann', 'bob', LONGEST][i] ?? '', algorithm)
    const bought = await system.buy(saleId, token)
    expect(bought).toMatchObject({ status: 202 })
    const { orderId } = await system.settled(String(bought.body.id), token)
    expect(await order(orderId, token)).toMatchObject({ status: 200, body: { id: orderId } })
  }
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 3, redisLeft: 7 }] })
})

test('a buyer whom the login calls blocked sees the sale and cannot buy', async () => {
  const saleId = await system.createSale()
  const token = await login.tokenOf(BLOCKED, 'ES256')
  expect(await call('GET', system.url(`/sales/${saleId}`), { token })).toMatchObject({ status: 200 })
  expectRefused(await system.buy(saleId, token), 'NOT_ELIGIBLE')
})

test('a buyer whom the login calls blocked gets no ticket and no place, by a request or by an event stream', async () => {
  const saleId = await system.createSale({ opening: { ticket: { fromMinutesBefore: 1 }, waitingRoom: {} } })
  const token = await login.tokenOf(BLOCKED, 'ES256')
  for (const [method, path] of [
    ['POST', 'tickets'],
    ['POST', 'place'],
    ['GET', 'place/events'],
  ] as const) {
    const body = path === 'tickets' ? {} : undefined
    expectRefused(await call(method, system.url(`/sales/${saleId}/${path}`), { token, body }), 'NOT_ELIGIBLE')
  }
  const { admitted, early, line } = system.world.stock.keys
  for (const key of [admitted, early, line]) expect(await system.world.redis.zcard(key(saleId))).toBe(0)
})

test('the sign-in of the demo goes on beside it', async () => {
  const saleId = await system.createSale()
  expect(await system.buy(saleId, await system.signIn('carol'))).toMatchObject({ status: 202 })
})

test('after a rotation tokens of new keys are valid, those of old ones soon are not, remembered or not', async () => {
  const saleId = await system.createSale({ stock: 10, perBuyerLimit: 10 })
  const before = await login.tokenOf('ann', 'RS256')
  const remembered = await system.buy(saleId, before)
  expect(remembered).toMatchObject({ status: 202 })
  await login.rotate()
  const after = await login.tokenOf('bob', 'RS256')
  await eventually(
    'the new key to be known',
    () => system.buy(saleId, after),
    ({ status }) => status === 202,
  )
  const answer = await eventually(
    'the old key to be forgotten',
    () => system.buy(saleId, before),
    ({ status }) => status !== 202,
  )
  expectRefused(answer, 'UNAUTHENTICATED')
  await eventually(
    'the order service to forget it, too',
    () => order('00000000-0000-4000-8000-000000000000', before),
    ({ status }) => status === 401,
  )
})

test('while the provider is away its last keys stay valid, and readiness says so', async () => {
  const saleId = await system.createSale()
  const token = await login.tokenOf('ann', 'EdDSA')
  await login.stop()
  for (const service of ['GATEWAY', 'ORDER_SERVICE'] as const) {
    const { status, body } = await eventually(
      'readiness to name the key set',
      () => readiness(service),
      ({ body: { login: isFine } }) => isFine === false,
    )
    expect(status).toBe(200)
    expect(body.problems).toMatchObject([
      {
        check: 'login',
        code: 'LOGIN_KEYS_OLD',
        detail: expect.stringContaining('the last good one stays in use') as string,
      },
    ])
  }
  expect(await system.buy(saleId, token)).toMatchObject({ status: 202 })
  const metrics = await (await fetch(system.url('/metrics'))).text()
  expect(metrics).toMatch(/^seckill_login_keys_age_seconds\{.*\} [\d.]+$/m)
  await login.rotate()
  await eventually(
    'readiness to be whole again',
    () => readiness('GATEWAY'),
    ({ body: { login: isFine } }) => isFine === true,
  )
})

test('a gateway that never got a key set is not ready, and says what to do', async () => {
  const token = await login.tokenOf('ann', 'RS256')
  const gateway = await system.start('gateway', { GATEWAY_PORT: '0', LOGIN_JWKS: 'http://127.0.0.1:1/jwks' })
  try {
    const origin = `http://127.0.0.1:${gateway.port}`
    const { status, body } = await call('GET', `${origin}/readyz`)
    expect(status).toBe(503)
    expect(body.problems).toMatchObject([{ check: 'login', code: 'LOGIN_KEYS_MISSING' }])
    const saleId = await system.createSale()
    expectRefused(await call('POST', `${origin}/sales/${saleId}/reservations`, { token, body: {} }), 'UNAUTHENTICATED')
  } finally {
    await gateway.stop()
  }
})
