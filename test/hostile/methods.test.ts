import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectRefused, expectSecured } from '../support/expect-refused.ts'
import { call } from '../support/http-client.ts'
import { type ServiceName, startSystem, type System } from '../support/system.ts'

let system: System
let token: string
beforeAll(async () => {
  system = await startSystem()
  token = await system.signIn('methods')
})
afterAll(() => system.close())

const origin = (service: ServiceName) =>
  `http://127.0.0.1:${system.env[`${service.toUpperCase().replaceAll('-', '_')}_PORT`]}`
const tokenFor = (service: ServiceName) => (service === 'control-room' ? system.env.ADMIN_TOKEN : token)

const routes: [service: ServiceName, path: string, allow: string][] = [
  ['gateway', '/sales', 'GET, HEAD'],
  ['gateway', '/sales/any', 'GET, HEAD'],
  ['gateway', '/sales/any/reservations', 'POST'],
  ['gateway', '/Sales/any/reservations/', 'POST'],
  ['gateway', '/reservations/any', 'GET, HEAD'],
  ['gateway', '/reservations/any/events', 'GET, HEAD'],
  ['gateway', '/sessions', 'POST'],
  ['gateway', '/', 'GET, HEAD'],
  ['gateway', '/openapi.json', 'GET, HEAD'],
  ['gateway', '/livez', 'GET, HEAD'],
  ['gateway', '/readyz', 'GET, HEAD'],
  ['gateway', '/metrics', 'GET, HEAD'],
  ['order-service', `/orders/${randomUUID()}`, 'GET, HEAD'],
  ['order-service', '/orders/1/payments', 'POST'],
  ['order-service', '/orders/1/cancellation', 'POST'],
  ['order-service', '/payments/callback', 'POST'],
  ['control-room', '/sales', 'GET, HEAD, POST'],
  ['control-room', '/sales/any', 'GET, HEAD, PATCH'],
  ['control-room', '/blacklist', 'PATCH'],
  ['control-room', '/blacklist/eve', 'DELETE, PUT'],
  ['control-room', '/audit', 'GET, HEAD'],
  ['cancel-worker', '/readyz', 'GET, HEAD'],
  ['payment-provider', '/links', 'POST'],
  ['payment-provider', '/refunds', 'POST'],
  ['payment-provider', '/pay/any', 'GET, HEAD, POST'],
]
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'LOCK', 'PURGE']

test.each(routes)('%s %s takes no other method, and says which it takes', async (service, path, allow) => {
  for (const method of METHODS.filter((name) => !allow.split(', ').includes(name))) {
    const answer = await call(method, origin(service) + path, { token: tokenFor(service) })
    expect(answer.status, method).toBe(405)
    expect(answer.headers.get('allow'), method).toBe(allow)
    if (method !== 'HEAD') expectRefused(answer, 'METHOD_NOT_ALLOWED')
  }
})

test.each(['/orders/1', '/orders/1/payments', '/payments/callback'])(
  'the gateway hands no other method than GET, HEAD and POST on to %s',
  async (path) => {
    for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const answer = await call(method, origin('gateway') + path, { token })
      expectRefused(answer, 'METHOD_NOT_ALLOWED')
      expect(answer.headers.get('allow')).toBe('GET, HEAD, POST')
    }
  },
)

test('the gateway forwards refusals of the order service unchanged', async () => {
  const answer = await call('POST', origin('gateway') + '/orders/1', { token })
  expectRefused(answer, 'METHOD_NOT_ALLOWED')
  expect(answer.headers.get('allow')).toBe('GET, HEAD')
})

test.each(['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override'])(
  '%s turns no reading into a purchase',
  async (header) => {
    const saleId = await system.createSale()
    expectRefused(
      await call('GET', system.url(`/sales/${saleId}/reservations`), { token, headers: { [header]: 'POST' } }),
      'METHOD_NOT_ALLOWED',
    )
    expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ redisLeft: 10 }] })
  },
)

describe('an unknown path is not found', () => {
  test.each<[service: ServiceName, path: string]>([
    ['gateway', '/nowhere'],
    ['gateway', '/assets/nowhere.js'],
    ['gateway', '/assets/..%2fshop%2findex.html'],
    ['gateway', '/shop/index.html'],
    ['gateway', '/.env'],
    ['gateway', '/package.json'],
    ['gateway', '/sales/a/b/c'],
    ['gateway', '//sales'],
    ['gateway', '/%2e%2e%2f%2e%2e%2fetc%2fpasswd'],
    ['gateway', '/orders'],
    ['gateway', '/orders/..%2fmetrics'],
    ['gateway', '/payments/..%2freadyz'],
    ['gateway', '/blacklist/eve'],
    ['gateway', '/audit'],
    ['gateway', '/links'],
    ['order-service', '/sales'],
    ['control-room', '/nowhere'],
    ['cancel-worker', '/orders/1'],
    ['payment-provider', '/pay'],
  ])('%s %s', async (service, path) => {
    expectRefused(await call('GET', origin(service) + path, { token: tokenFor(service) }), 'NOT_FOUND')
  })
})

test.each<[service: ServiceName, path: string]>([
  ['gateway', '/sales'],
  ['gateway', '/openapi.json'],
  ['gateway', '/livez'],
  ['gateway', '/metrics'],
  ['gateway', '/docs/'],
  ['order-service', '/readyz'],
  ['cancel-worker', '/livez'],
  ['control-room', '/sales'],
  ['payment-provider', '/livez'],
])('the answer of %s %s carries the headers that protect a browser', async (service, path) => {
  const answer = await call('GET', origin(service) + path, { token: tokenFor(service) })
  expect(answer.status).toBe(200)
  expectSecured(answer.headers)
})

test.each<ServiceName>(['gateway', 'order-service', 'cancel-worker', 'control-room', 'payment-provider'])(
  "%s listens on this machine's own address only",
  async (service) => {
    expect((await call('GET', `${origin(service)}/livez`)).status).toBe(200)
    // A service that listens on every interface also answers at each loopback address.
    await expect(fetch(`${origin(service).replace('127.0.0.1', '127.0.0.2')}/livez`)).rejects.toThrow('fetch failed')
  },
)
