import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { expectRefused } from '../support/expect-refused.ts'
import { call } from '../support/http-client.ts'
import { inParallel } from '../support/parallel.ts'
import { RawConnection } from '../support/raw-http.ts'
import { startSystem, type System } from '../support/system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem()
})
afterAll(() => system.close())

/** Buckets that refill so slowly that a test sees only their burst. */
const FEW = { ADDRESS_BURST: '4', ADDRESS_RATE_PER_SECOND: '0.001' }
const FEW_POLLS = {
  POLL_BURST: '4',
  POLL_RATE_PER_SECOND: '0.001',
  SIGN_IN_BURST: '2',
  SIGN_IN_RATE_PER_SECOND: '0.001',
}

async function restartGateway(settings: Record<string, string>): Promise<void> {
  await system.stop('gateway')
  await system.start('gateway', settings)
}

async function buyersOf(count: number): Promise<string[]> {
  await restartGateway({})
  return inParallel(count, 10, (i) => system.signIn(`address ${i}`))
}

/** A hundred values, each an address of its own. */
const forged: [header: string, value: (i: number) => string][] = [
  ['X-Forwarded-For', (i) => `10.0.0.${i}`],
  ['X-Forwarded-For', (i) => `10.0.0.${i}, 10.1.0.${i}, 10.2.0.${i}`],
  ['X-Forwarded-For', (i) => `2001:db8::${i}`],
  ['Forwarded', (i) => `for=10.0.0.${i}`],
  ['X-Real-IP', (i) => `10.0.0.${i}`],
  ['X-Client-IP', (i) => `10.0.0.${i}`],
  ['True-Client-IP', (i) => `10.0.0.${i}`],
  ['CF-Connecting-IP', (i) => `10.0.0.${i}`],
  ['X-Cluster-Client-IP', (i) => `10.0.0.${i}`],
]

describe("with no proxy in front, the address is the socket's, regardless of headers", () => {
  test.each(forged)('%s', async (header, value) => {
    const tokens = await buyersOf(8)
    const saleId = await system.createSale()
    await restartGateway({ ...FEW, TRUST_PROXY_HOPS: '0' })
    const answers = await inParallel(8, 1, (i) => system.buy(saleId, tokens[i] ?? '', {}, { [header]: value(i) }))
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202, 429, 429, 429, 429])
    for (const answer of answers.slice(4)) expectRefused(answer, 'RATE_LIMITED')
  })
})

describe('with one proxy in front, only the entry that it wrote counts', () => {
  const seen = (i: number): string[] => [
    `10.0.0.${i}, 203.0.113.7`,
    `10.0.0.${i},10.0.1.${i},203.0.113.7`,
    `::1, 203.0.113.7`,
    `${'10.0.0.1, '.repeat(900)}203.0.113.7`,
    `localhost, 203.0.113.7`,
    ` , , 203.0.113.7`,
    `203.0.113.8, 203.0.113.7`,
    `unknown, 203.0.113.7`,
  ]

  test('regardless of the entries before it', async () => {
    const tokens = await buyersOf(8)
    const saleId = await system.createSale()
    await restartGateway({ ...FEW, TRUST_PROXY_HOPS: '1' })
    const answers = await inParallel(8, 1, (i) =>
      system.buy(saleId, tokens[i] ?? '', {}, { 'x-forwarded-for': seen(i)[i] ?? '' }),
    )
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202, 429, 429, 429, 429])
  })

  test.each<[what: string, forms: string[]]>([
    [
      'the port behind it',
      [
        '203.0.113.7:50001',
        '203.0.113.7:50002',
        '"203.0.113.7:50003"',
        '203.0.113.7',
        '::ffff:203.0.113.7',
        '[::FFFF:203.0.113.7]:50004',
      ],
    ],
    [
      'the form of IPv6',
      [
        '2001:db8::1',
        '[2001:db8::1]',
        '[2001:DB8::1]:443',
        '[2001:db8::1]:444',
        '2001:db8:0:0:ffff::9',
        'for="[2001:db8::1]:80"',
      ],
    ],
    // All of them are the proxy's own address.
    ['what is no address', ['', 'nonsense', '{sale}:stock', '::::', '999.999.999.999', 'x'.repeat(8_000)]],
  ])('%s makes no other client', async (_, forms) => {
    const tokens = await buyersOf(6)
    const saleId = await system.createSale()
    await restartGateway({ ...FEW, TRUST_PROXY_HOPS: '1' })
    const answers = await inParallel(6, 1, (i) =>
      system.buy(saleId, tokens[i] ?? '', {}, { 'x-forwarded-for': `10.0.0.${i}, ${forms[i]}` }),
    )
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202, 429, 429])
  })
})

test('one buyer who comes from a thousand addresses gets one unit', async () => {
  const [token = ''] = await buyersOf(1)
  const saleId = await system.createSale()
  await restartGateway({ TRUST_PROXY_HOPS: '1' })
  const answers = await inParallel(1_000, 50, (i) =>
    system.buyUntilAvailable(saleId, token, {}, { 'x-forwarded-for': `10.0.${i >> 8}.${i & 255}` }),
  )
  expect(new Set(answers.map(({ status, body }) => `${status} ${String(body.id)}`)).size).toBe(1)
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 1, redisLeft: 9 }] })
})

test('of a thousand purchases from one address all beyond its burst get 429 with Retry-After', async () => {
  const tokens = await buyersOf(50)
  const saleId = await system.createSale({ stock: 1_000 })
  await restartGateway({ ADDRESS_BURST: '100', ADDRESS_RATE_PER_SECOND: '0.001' })
  const answers = await inParallel(1_000, 50, (i) => system.buyUntilAvailable(saleId, tokens[i % 50] ?? ''))
  const refused = answers.filter(({ status }) => status !== 202)
  // One more token comes in a thousand seconds.
  expect(refused.length).toBeGreaterThanOrEqual(899)
  for (const answer of refused) expectRefused(answer, 'RATE_LIMITED')
})

describe('the limits of one address', () => {
  beforeEach(() => restartGateway({ ...FEW_POLLS, TRUST_PROXY_HOPS: '1' }))
  const from = (address: string) => ({ 'x-forwarded-for': address })

  test.each([
    ['GET', '/sales', 200],
    ['GET', '/sales/nowhere', 404],
    ['GET', '/reservations/nowhere', 401],
    ['GET', '/reservations/nowhere/events', 401],
    ['GET', '/orders/1', 401],
    ['POST', '/orders/1/payments', 401],
    ['POST', '/orders/1/cancellation', 401],
    ['POST', '/payments/nowhere', 404],
    ['POST', '/payments/callback', 401],
    ['GET', '/payments/callback', 405],
    ['GET', '/payments/nowhere', 404],
    ['POST', '/sales/nowhere/reservations', 401],
    ['POST', '/sales/%zz/reservations', 400],
    ['GET', '/nowhere', 404],
    ['GET', '/assets/nothing.js', 404],
    ['GET', '/docs/', 200],
    ['GET', '/openapi.json', 200],
    ['GET', '/metrics', 200],
  ])('%s %s ends at its burst, for this address only', async (method, path, status) => {
    const ask = (address: string) => call(method, system.url(path), { headers: from(address) })
    const burst = path.startsWith('/assets/') ? 40 : 4
    const answers = await inParallel(burst + 2, 1, () => ask('203.0.113.7'))
    expect(answers.map((answer) => answer.status)).toEqual([...Array<number>(burst).fill(status), 429, 429])
    for (const answer of answers.slice(burst)) expectRefused(answer, 'RATE_LIMITED')
    expect((await ask('203.0.113.8')).status).toBe(status)
  })

  test('a target that cannot be parsed ends at its burst, too', async () => {
    const client = await new RawConnection(system.url('')).opened()
    client.send('GET http://[ HTTP/1.1\r\nHost: shop\r\n\r\n'.repeat(6))
    const answers = await eventually(
      'six answers',
      () => client.answers(),
      ({ length }) => length === 6,
    )
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400, 400, 429, 429])
    client.close()
  })

  test('the files of the page end at ten times the burst, when polling has ended long before', async () => {
    const page = (path: string) => call('GET', system.url(path), { headers: from('203.0.113.7') })
    await inParallel(5, 1, () => page('/sales'))
    expectRefused(await page('/sales'), 'RATE_LIMITED')
    const answers = await inParallel(45, 1, (i) => page(i % 2 === 0 ? '/' : '/assets/nothing.js'))
    expect(answers.slice(0, 40).map(({ status }) => status)).toEqual(
      Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? 200 : 404)),
    )
    for (const answer of answers.slice(40)) expectRefused(answer, 'RATE_LIMITED')
  })

  test.each(['/sessions', '/Sessions', '/sessions/', '/sessions?again'])(
    'signing in at %s has a smaller burst of its own',
    async (path) => {
      const answers = await inParallel(4, 1, (i) =>
        call('POST', system.url(path), { body: { name: `sybil ${i}` }, headers: from('203.0.113.7') }),
      )
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 429, 429])
      for (const answer of answers.slice(2)) expectRefused(answer, 'RATE_LIMITED')
      expect((await call('GET', system.url('/sales'), { headers: from('203.0.113.7') })).status).toBe(200)
    },
  )

  test.each(['/sales/nowhere/reservations', '/Sales/nowhere/reservations/?x'])(
    'attempts to buy without a token at %s end at a burst of their own',
    async (path) => {
      const attempt = (address: string) => call('POST', system.url(path), { headers: from(address) })
      const answers = await inParallel(6, 1, () => attempt('203.0.113.7'))
      expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 429, 429])
      for (const answer of answers.slice(4)) expectRefused(answer, 'RATE_LIMITED')
      expect((await attempt('203.0.113.8')).status).toBe(401)
      const { text } = await call('GET', system.url('/metrics'), { headers: from('203.0.113.8') })
      expect(text).toMatch(/^seckill_purchases_total\{.*outcome="RATE_LIMITED".*\} 2$/m)
      expect((await call('GET', system.url('/sales'), { headers: from('203.0.113.7') })).status).toBe(200)
      expect((await call('POST', system.url('/orders/1/payments'), { headers: from('203.0.113.7') })).status).toBe(401)
    },
  )

  test('paying and cancelling share a burst of their own', async () => {
    const answers = await inParallel(6, 1, (i) =>
      call('POST', system.url(`/orders/1/${i % 2 === 0 ? 'payments' : 'cancellation'}`), {
        headers: from('203.0.113.7'),
      }),
    )
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 429, 429])
    expect((await call('GET', system.url('/orders/1'), { headers: from('203.0.113.7') })).status).toBe(401)
  })

  test('who has used up one kind of request still has every other', async () => {
    const ofEachKind: [method: string, path: string, status: number][] = [
      ['POST', '/sales/nowhere/reservations', 401],
      ['GET', '/sales', 200],
      ['GET', '/orders/1', 401],
      ['POST', '/orders/1/payments', 401],
      ['POST', '/payments/callback', 401],
    ]
    for (const [method, path, status] of ofEachKind) {
      const answers = await inParallel(5, 1, () => call(method, system.url(path), { headers: from('203.0.113.7') }))
      expect({ path, statuses: answers.map((answer) => answer.status) }).toEqual({
        path,
        statuses: [status, status, status, status, 429],
      })
    }
  })

  test('health checks have no limit', async () => {
    for (const path of ['/livez', '/readyz', '/Readyz/']) {
      const answers = await inParallel(6, 1, () => call('GET', system.url(path), { headers: from('203.0.113.7') }))
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    }
  })

  test('addresses of one IPv6 /64 share a limit', async () => {
    const answers = await inParallel(6, 1, (i) =>
      call('GET', system.url('/sales'), { headers: from(`2001:db8:1:2::${i}`) }),
    )
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 429, 429])
  })
})

test('every unit is accounted for', async () => {
  expect(await system.auditAtRest()).toMatchObject({ balanced: true })
})
