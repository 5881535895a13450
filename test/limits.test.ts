import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from './support/eventually.ts'
import { inParallel } from './support/parallel.ts'
import { startSystem, type System } from './support/system.ts'

let system: System
beforeAll(async () => { system = await startSystem({ TRUST_PROXY_HOPS: '1' }) })
afterAll(async () => { await system.close() })

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

test('one address has a bucket whoever comes from it, and a forged X-Forwarded-For does not change the address', async () => {
  const saleId = await system.createSale({ stock: 100 })
  await withGateway({ ADDRESS_BURST: '4', ADDRESS_RATE_PER_SECOND: '0.001' }, async () => {
    const tokens = await inParallel(7, 1, (i) => system.signIn(`neighbour ${i}`))
    // One trusted hop: only the last entry is the proxy's word, whatever the client wrote before it.
    const from = (i: number) => ({ 'x-forwarded-for': `10.0.0.${i}, 203.0.113.7` })
    const answers = await inParallel(6, 1, (i) => system.buy(saleId, tokens[i] ?? '', {}, from(i)))
    expect(answers.map((answer) => answer.status)).toEqual([202, 202, 202, 202, 429, 429])
    expect((await system.buy(saleId, tokens[6] ?? '', {}, { 'x-forwarded-for': '203.0.113.8' })).status).toBe(202)
  })
})

test('the gateway as a whole takes only so much, before anything is asked of Redis', async () => {
  const saleId = await system.createSale()
  await withGateway({ GATEWAY_BURST: '3', GATEWAY_RATE_PER_SECOND: '0.001' }, async () => {
    const token = await system.signIn('one of many')
    const answers = await inParallel(4, 1, () => system.buy(saleId, token))
    expect(answers.map((answer) => answer.status)).toEqual([202, 202, 429, 429])
    expect(Number(answers[3]?.headers.get('retry-after'))).toBeGreaterThan(0)
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
    const answer = await eventually('the sale to be known as sold out', async () => {
      await system.buy(saleId, await system.signIn(`late ${others++}`))
      return system.buy(saleId, hasty)
    }, ({ body }) => body.code === 'SOLD_OUT')
    expect(answer.status).toBe(409)
  })
})
