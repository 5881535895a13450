import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { schemas } from '../../../dev/schemas.ts'

/** Every setting that holds the URL of an HTTP service or of a page. */
const BASES = [
  'ORDER_SERVICE_URL',
  'PAYMENT_PROVIDER_URL',
  'PUBLIC_URL',
  'PAYMENT_PAGE_URL',
  'GATEWAY_URL',
  'CROWD_PAYMENT_URL',
  'LAUNCHER_URL',
  'TRACE_STORE_URL',
] as const
const PAGES = ['SHOP_PAGE_URL'] as const
const OF_SERVERS = ['DATABASE_URL', 'REDIS_URL', 'RABBITMQ_URL']

function read(name: string, value: string): unknown {
  const field = Object.values(schemas)
    .map(({ shape }): unknown => Reflect.get(shape, name))
    .find((found) => found instanceof z.ZodType)
  const parsed = field?.safeParse(value)
  return parsed?.success ? parsed.data : parsed?.error.issues[0]?.message
}

test('a host with a letter such as ü is read the thousandth time as the first', () => {
  const wrong = Array.from({ length: 20_000 }, () => read('PUBLIC_URL', 'http://bücher.example')).filter(
    (host) => host !== 'http://xn--bcher-kva.example',
  )
  expect(wrong).toEqual([])
})

test('the lists above name every URL setting of every service', () => {
  const names = Object.values(schemas)
    .flatMap(({ shape }) => Object.keys(shape))
    .filter((name) => name.endsWith('_URL'))
  expect(new Set(names)).toEqual(new Set([...BASES, ...PAGES, ...OF_SERVERS]))
})

describe.each(BASES)('%s', (name) => {
  test.each([
    ['http://order-service:3002', 'http://order-service:3002'],
    ['http://order-service:3002/', 'http://order-service:3002'],
    ['http://order-service:3002//', 'http://order-service:3002'],
    ['http://127.0.0.1:3002', 'http://127.0.0.1:3002'],
    ['http://[::1]:3002', 'http://[::1]:3002'],
    ['https://[2001:DB8::7]/', 'https://[2001:db8::7]'],
    ['https://orders.example', 'https://orders.example'],
    ['https://orders.example:8443/shop/', 'https://orders.example:8443/shop'],
    ['http://orders.example:80', 'http://orders.example'],
    ['HTTP://Orders.Example', 'http://orders.example'],
    [' http://orders.example\r', 'http://orders.example'],
    ['http://bücher.example', 'http://xn--bcher-kva.example'],
  ])('%j is read as %s', (value, expected) => {
    expect(read(name, value)).toBe(expected)
  })

  test.each([
    'order-service',
    'order-service:3002',
    'localhost:3002',
    '127.0.0.1:3002',
    '::1',
    '[::1]:3002',
    '//order-service:3002',
    '/orders',
    ':3002',
    '3002',
    'http:',
    'http://',
    'http:///orders',
    'http:order-service',
    'http://:3002',
    'http://order service',
    'http://::1:3002',
    'http://[::1',
    'http://[fe80::1%eth0]:3002',
    'http://order-service:99999',
    'http://order-service:port',
    'ftp://order-service',
    'ws://order-service',
    'redis://order-service',
    'javascript:alert(1)',
    'file:///etc/passwd',
    'nonsense',
    '"http://order-service"',
  ])('%j is refused with what was expected', (value) => {
    expect(read(name, value)).toMatch(/^expected http:\/\/ or https:\/\/ and a host/)
  })

  test.each([
    ['http://shop:hunter2@order-service', 'expected no user name or password in it'],
    ['http://shop@order-service', 'expected no user name or password in it'],
    ['http://order-service:0', 'expected a port from 1 to 65535'],
    ['http://order-service/?shop=1', 'expected no query or fragment: calls append their path'],
    ['http://order-service/?', 'expected no query or fragment: calls append their path'],
    ['http://order-service/#orders', 'expected no query or fragment: calls append their path'],
  ])('%s is refused: %s', (value, expected) => {
    expect(read(name, value)).toBe(expected)
  })
})

describe.each(PAGES)('%s, the URL of a page', (name) => {
  test.each([
    ['http://localhost:3000', 'http://localhost:3000/'],
    ['https://shop.example/?from=pay#sale', 'https://shop.example/?from=pay#sale'],
    ['http://[::1]:3000', 'http://[::1]:3000/'],
    ['javascript:alert(1)', expect.stringMatching(/^expected http/)],
    ['shop.example', expect.stringMatching(/^expected http/)],
    ['http://shop:hunter2@shop.example', 'expected no user name or password in it'],
  ])('%s is read as %s', (value, expected) => {
    expect(read(name, value)).toEqual(expected)
  })
})

describe('READINESS_URLS', () => {
  test('each URL of the list is normalised like a single one', () => {
    expect(
      read('READINESS_URLS', 'gateway=https://[2001:DB8::7]/, order-service=http://order-service:3002/shop/'),
    ).toEqual([
      ['gateway', 'https://[2001:db8::7]'],
      ['order-service', 'http://order-service:3002/shop'],
    ])
  })

  test.each([
    ['gateway=gateway:3000', /^gateway: expected http/],
    ['gateway=http://shop:hunter2@gateway', /^gateway: expected no user name/],
    ['=http://gateway', /^expected name=url/],
    ['http://gateway:3000', /expected http/],
  ])('%s is refused', (value, expected) => {
    expect(read('READINESS_URLS', value)).toMatch(expected)
  })
})
