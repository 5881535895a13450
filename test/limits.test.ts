import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { eventually } from './support/eventually.ts'
import { call } from './support/http-client.ts'
import { inParallel } from './support/parallel.ts'
import { startSystem, type System } from './support/system.ts'
import { findReservation } from './support/find-reservation.ts'

let system: System
beforeAll(async () => {
  system = await startSystem({ TRUST_PROXY_HOPS: '1' })
})
afterAll(async () => {
  await system.close()
})

/** A gateway of its own limits instead of the generous one. */
async function withGateway(limits: Record<string, string>, check: () => Promise<void>): Promise<void> {
  await system.stop('gateway')
  await system.start('gateway', limits)
  await check()
}

test('one buyer has a bucket of their own, and hears when to come back', async () => {
  const saleId = await system.createSale()
  await withGateway({ BUYER_BURST: '3', BUYER_RATE_PER_SECOND: '0.001' }, async () => {
    const token = await system.signIn('hasty')
    const answers = await inParallel(5, 1, () => system.buy(saleId, token))
    expect(answers.map((answer) => answer.status)).toEqual([202, 202, 202, 429, 429])
    expect(answers[4]?.body.code).toBe('RATE_LIMITED')
    expect(Number(answers[4]?.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await system.buy(saleId, await system.signIn('calm'))).status).toBe(202)
  })
})

test('one address has one bucket for all its buyers, and a forged X-Forwarded-For does not change the address', async () => {
  const saleId = await system.createSale({ stock: 100 })
  await withGateway({ ADDRESS_BURST: '4', ADDRESS_RATE_PER_SECOND: '0.001' }, async () => {
    const tokens = await inParallel(7, 1, (i) => system.signIn(`neighbour ${i}`))
    // One trusted hop: only the last entry is the proxy's word, not what the client wrote before it.
    const from = (i: number) => ({ 'x-forwarded-for': `10.0.0.${i}, 203.0.113.7` })
    const answers = await inParallel(6, 1, (i) => system.buy(saleId, tokens[i] ?? '', {}, from(i)))
    expect(answers.map((answer) => answer.status)).toEqual([202, 202, 202, 202, 429, 429])
    expect((await system.buy(saleId, tokens[6] ?? '', {}, { 'x-forwarded-for': '203.0.113.8' })).status).toBe(202)
  })
})

test('all buyers of a sale together get only so much, and a refusal for another reason takes nothing of it', async () => {
  const saleId = await system.createSale({ stock: 100 })
  await withGateway(
    { GATEWAY_BURST: '4', GATEWAY_RATE_PER_SECOND: '0.001', BUYER_BURST: '2', BUYER_RATE_PER_SECOND: '0.001' },
    async () => {
      const anonymous = await inParallel(20, 5, () => system.buy(saleId, 'nonsense'))
      expect(new Set(anonymous.map((answer) => answer.status))).toEqual(new Set([401]))
      const polls = await inParallel(20, 5, () => call('GET', system.url('/sales')))
      expect(new Set(polls.map((answer) => answer.status))).toEqual(new Set([200]))
      const hasty = await system.signIn('hasty in a crowd')
      expect((await inParallel(6, 1, () => system.buy(saleId, hasty))).map((answer) => answer.status)).toEqual([
        202, 202, 429, 429, 429, 429,
      ])

      const tokens = await inParallel(4, 1, (i) => system.signIn(`one of many ${i}`))
      const answers = await inParallel(4, 1, (i) => system.buy(saleId, tokens[i] ?? ''))
      expect(answers.map((answer) => answer.status)).toEqual([202, 202, 429, 429])
      expect(answers[3]?.body.detail).toContain('The sale has more attempts')
      expect(Number(answers[3]?.headers.get('retry-after'))).toBeGreaterThan(0)
      expect((await system.buy(await system.createSale(), tokens[3] ?? '')).status).toBe(202)
    },
  )
})

test.each([
  ['in its process', { POLL_BURST: '2', POLL_RATE_PER_SECOND: '0.001' }],
  ['in Redis', { ADDRESS_BURST: '2', ADDRESS_RATE_PER_SECOND: '0.001' }],
])('an address beyond its own bucket %s takes nothing of the limit that the buyers of a sale share', async (_, own) => {
  const saleId = await system.createSale({ stock: 100 })
  const tokens = await inParallel(8, 4, (i) => system.signIn(`of two addresses ${i}`))
  await withGateway({ GATEWAY_BURST: '4', GATEWAY_RATE_PER_SECOND: '0.001', ...own }, async () => {
    const buyFrom = (address: string, i: number) =>
      system.buy(saleId, tokens[i] ?? '', {}, { 'x-forwarded-for': address })
    const greedy = await inParallel(6, 1, (i) => buyFrom('203.0.113.7', i))
    expect(greedy.map(({ status }) => status)).toEqual([202, 202, 429, 429, 429, 429])
    const modest = await inParallel(2, 1, (i) => buyFrom('203.0.113.8', 6 + i))
    expect(modest.map(({ status }) => status)).toEqual([202, 202])
  })
})

test('in a crowd that has used up everything, buyers follow and pay their orders, and the provider reports their money', async () => {
  const saleId = await system.createSale()
  await withGateway(
    { GATEWAY_BURST: '1', GATEWAY_RATE_PER_SECOND: '0.001', POLL_BURST: '4', POLL_RATE_PER_SECOND: '0.001' },
    async () => {
      const token = await system.signIn('who bought')
      const late = await system.signIn('who came too late')
      const { body } = await system.buy(saleId, token)
      const { orderId } = await eventually(
        'the order',
        () => findReservation(system.world, String(body.id)).then((found) => ({ orderId: found?.orderId })),
        (found) => found.orderId !== undefined,
      )
      // Those of the sale, then those of the address.
      const attempts = await inParallel(5, 1, () => system.buy(saleId, late))
      expect(attempts.map(({ status }) => status)).toEqual([429, 429, 429, 429, 429])
      const polls = await inParallel(5, 1, () => call('GET', system.url('/sales')))
      expect(polls.at(-1)?.status).toBe(429)

      const ordered = await inParallel(5, 1, () => call('GET', system.url(`/orders/${orderId}`), { token }))
      expect(ordered.map(({ status }) => status)).toEqual([200, 200, 200, 200, 429])
      const payment = await call('POST', system.url(`/orders/${orderId}/payments`), { token })
      expect(payment.status).toBe(201)
      const paid = await inParallel(6, 1, () =>
        call('POST', String(payment.body.url), { headers: { accept: 'application/json' } }),
      )
      expect(new Set(paid.map((answer) => answer.status))).toEqual(new Set([200]))
    },
  )
})

test('a refused buyer is refused again without Redis', async () => {
  const saleId = await system.createSale()
  await withGateway({ BUYER_BURST: '1', BUYER_RATE_PER_SECOND: '0.001' }, async () => {
    const hasty = await system.signIn('hasty again')
    const attempt = () => system.buy(saleId, hasty)
    await attempt()
    const { redis, stock } = system.world
    const sale = stock.keys.sale(saleId)
    // What is remembered is asked for again after a second, and the cancel worker brings a lost sale back.
    const answer = await eventually(
      'an answer while the sale is not in Redis',
      async () => {
        await eventually('a refusal', attempt, ({ status }) => status === 429)
        await redis.rename(sale, `${sale}-away`).catch(() => undefined)
        const { status } = await attempt()
        const isAway = (await redis.renamenx(`${sale}-away`, sale)) === 1
        return isAway ? status : undefined
      },
      (status) => status === 429,
    )
    expect(answer).toBe(429)
  })
})

test("a step of the gateway's clock, an hour ahead and back, locks no buyer out", async () => {
  const saleId = await system.createSale()
  const now = Date.now.bind(Date)
  const limits = { POLL_BURST: '20', POLL_RATE_PER_SECOND: '20', BUYER_BURST: '1', ADDRESS_BURST: '5' }
  await withGateway({ ...limits, ADDRESS_RATE_PER_SECOND: '5', BUYER_RATE_PER_SECOND: '5' }, async () => {
    try {
      for (const [i, stepMs] of [3_600_000, 0, -3_600_000, 0].entries()) {
        vi.spyOn(Date, 'now').mockImplementation(() => now() + stepMs)
        // A token is valid by the clock that it was made with.
        const token = await system.signIn(`after step ${i}`)
        await inParallel(30, 10, () => call('GET', system.url('/sales')))
        await inParallel(10, 10, () => system.buy(saleId, token))
        for (const attempt of [() => call('GET', system.url('/sales')), () => system.buy(saleId, token)]) {
          const answer = await eventually(`an answer after step ${i}`, attempt, ({ status }) => status < 300)
          expect(answer.status).toBeLessThan(300)
        }
      }
    } finally {
      vi.restoreAllMocks()
    }
  })
})

test('once a sale is known to be sold out, late buyers are refused without asking Redis, and so without their bucket', async () => {
  const saleId = await system.createSale({ stock: 1 })
  await withGateway({ BUYER_BURST: '1', BUYER_RATE_PER_SECOND: '0.001' }, async () => {
    expect((await system.buy(saleId, await system.signIn('first'))).status).toBe(202)
    const hasty = await system.signIn('late and hasty')
    expect((await system.buy(saleId, hasty)).body.code).toBe('SOLD_OUT')
    let others = 0
    // Redis would say RATE_LIMITED. What is known is forgotten after a second, so others keep asking.
    const answer = await eventually(
      'the sale to be known as sold out',
      async () => {
        await system.buy(saleId, await system.signIn(`late ${others++}`))
        return system.buy(saleId, hasty)
      },
      ({ body }) => body.code === 'SOLD_OUT',
    )
    expect(answer.status).toBe(409)
  })
})
