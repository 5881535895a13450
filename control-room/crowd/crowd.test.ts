import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CrowdView } from '../../core/contracts/control-room.ts'
import { freePort } from '../../dev/servers/ports.ts'
import { eventually } from '../../test/support/eventually.ts'
import { startSystem, type System } from '../../test/support/system.ts'
import { arrivalSeconds, groupOf } from './plan.ts'

let system: System
beforeAll(async () => {
  // Those who press many times at once meet the limit of one buyer.
  system = await startSystem({ BUYER_RATE_PER_SECOND: '0.1', BUYER_BURST: '10' })
})
afterAll(() => system.close())

const crowd = async () => (await system.controlRoom('GET', '/crowd')).body.crowd as CrowdView | null
const sum = (counts: Record<string, number>) => Object.values(counts).reduce((one, other) => one + other, 0)
const ended = (what: string) =>
  eventually(what, crowd, (view) => view !== null && !['RUNNING', 'PAYING'].includes(view.state), 60_000)

test('before there was one, there is none to show', async () => {
  expect((await system.controlRoom('GET', '/crowd')).body).toEqual({ crowd: null, available: true })
  expect((await system.controlRoom('DELETE', '/crowd')).body).toEqual({ crowd: null })
})

test('a crowd buys out a sale of its own over HTTP, and what it tells is what happened', async () => {
  const { status, body } = await system.controlRoom('POST', '/crowd', { buyers: 200, seconds: 2 })
  expect({ status, body }).toMatchObject({ status: 202, body: { state: 'RUNNING', buyers: 200, seconds: 2, asked: 0 } })
  expect(await system.controlRoom('POST', '/crowd', { buyers: 1, seconds: 1 })).toMatchObject({
    status: 409,
    body: { code: 'CROWD_RUNNING' },
  })

  const done = await ended('its end')
  if (!done) throw new Error('Expected a crowd')
  const { state, asked, answers, unanswered } = done
  expect(state).toBe('DONE')
  expect(sum(answers) + unanswered).toBe(asked)
  // On a slow machine a purchase may succeed although its buyer was not told so.
  expect(answers.accepted).toBeLessThanOrEqual(120)
  expect(answers.accepted + unanswered + answers.busy + answers.other).toBeGreaterThanOrEqual(120)
  for (const group of ['repeated', 'soldOut', 'limited'] as const) expect(answers[group], group).toBeGreaterThan(0)

  const saleId = String(body.saleId)
  const [sale] = (await system.auditAtRest(saleId)).sales
  expect(sale).toMatchObject({ stock: 120, sold: 120, redisLeft: 0, orders: { PAID: done.paid } })
  expect(done.paid).toBeGreaterThan(0)
  expect(done.paid).toBeLessThan(120)
})

test('a crowd goes to the sale it is sent to, and is stopped', async () => {
  const saleId = await system.createSale({ stock: 1_000_000 })
  await system.controlRoom('POST', '/crowd', { saleId, buyers: 20_000, seconds: 60 })
  await eventually('it to be at it', crowd, (view) => (view?.answers.accepted ?? 0) > 0)
  const { body } = await system.controlRoom('DELETE', '/crowd')
  expect(body).toMatchObject({ crowd: { state: 'STOPPED', saleId } })
  // Only then is the next one let in.
  await eventually(
    'the next one',
    () => system.controlRoom('POST', '/crowd', { saleId, buyers: 1, seconds: 1 }),
    ({ status }) => status === 202,
  )
  expect(await ended('the end of one buyer')).toMatchObject({
    state: 'DONE',
    buyers: 1,
    asked: 1,
    answers: { accepted: 1 },
  })
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true })
})

test('where the limit allows several, some buyers buy again under another key, and none above the limit', async () => {
  const saleId = await system.createSale({ stock: 1_000, perBuyerLimit: 3 })
  await system.controlRoom('POST', '/crowd', { saleId, buyers: 100, seconds: 1 })
  expect(await ended('its end')).toMatchObject({ state: 'DONE' })
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true })
  const ofBuyers = await system.world.database.order.groupBy({
    by: ['buyerId'],
    where: { saleId },
    _sum: { quantity: true },
  })
  expect(Math.max(...ofBuyers.map(({ _sum }) => _sum.quantity ?? 0))).toBe(3)
})

test('a crowd counts requests as unanswered while the gateway is down', async () => {
  const saleId = await system.createSale()
  await system.stop('gateway')
  await system.controlRoom('POST', '/crowd', { saleId, buyers: 5, seconds: 1 })
  expect(await ended('its end')).toMatchObject({ state: 'DONE', unanswered: 5, answers: { accepted: 0 } })
  await system.start('gateway')
})

test('there is no crowd for a sale that does not exist', async () => {
  expect(await system.controlRoom('POST', '/crowd', { saleId: 'nowhere', buyers: 1, seconds: 1 })).toMatchObject({
    status: 404,
    body: { code: 'NOT_FOUND' },
  })
})

test("a crowd pays also where the buyers' links name an address that only their browsers reach, as in containers", async () => {
  await system.stop('payment-provider')
  await system.start('payment-provider', { PAYMENT_PAGE_URL: `http://127.0.0.1:${await freePort()}` })
  await system.stop('control-room')
  await system.start('control-room', { CROWD_PAYMENT_URL: String(system.env.PAYMENT_PROVIDER_URL) })
  await system.controlRoom('POST', '/crowd', { buyers: 20, seconds: 1 })
  expect((await ended('its end'))?.paid).toBeGreaterThan(0)
})

test('a payment whose answer is lost is counted as paid, since the order is', async () => {
  const { url, close } = await losingAnswers(String(system.env.PAYMENT_PROVIDER_URL))
  await system.stop('control-room')
  await system.start('control-room', { CROWD_PAYMENT_URL: url })
  const { body } = await system.controlRoom('POST', '/crowd', { buyers: 20, seconds: 1 })
  const done = await ended('its end')
  await close()
  const [sale] = (await system.auditAtRest(String(body.saleId))).sales
  expect(done?.paid).toBeGreaterThan(0)
  expect(sale?.orders).toMatchObject({ PAID: done?.paid })
})

test('outside of a demo there is none at all', async () => {
  await system.stop('control-room')
  await system.start('control-room', { DEMO_MODE: 'false' })
  expect(await system.controlRoom('POST', '/crowd', { buyers: 1, seconds: 1 })).toMatchObject({
    status: 409,
    body: { code: 'DEMO_ONLY' },
  })
  expect((await system.controlRoom('GET', '/crowd')).body).toEqual({ crowd: null, available: false })
})

test('most come at the beginning, and all within the time', () => {
  const arrivals = Array.from({ length: 1_000 }, (_, n) => arrivalSeconds(n, 1_000, 10))
  expect(arrivals[0]).toBe(0)
  expect(arrivals.every((at, n) => at < 10 && at >= (arrivals[n - 1] ?? 0))).toBe(true)
  expect(arrivals.filter((at) => at < 5)).toHaveLength(750)
})

test('an answer is told apart by its status, and a reservation that is told again by its id', () => {
  expect([
    groupOf(202, false),
    groupOf(202, true),
    groupOf(409, false),
    groupOf(429, true),
    groupOf(503, false),
    groupOf(500, false),
  ]).toEqual(['accepted', 'repeated', 'soldOut', 'limited', 'busy', 'other'])
})

/** Passes payments on to the provider, and cuts the connection instead of answering. */
async function losingAnswers(providerUrl: string): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    void fetch(new URL(request.url ?? '', providerUrl), { method: 'POST', headers: { accept: 'application/json' } })
      .then((answer) => answer.arrayBuffer())
      .finally(() => response.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.close()
      await once(server, 'close')
    },
  }
}
