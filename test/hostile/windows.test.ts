import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectRefused } from '../support/expect-refused.ts'
import { type Answer, call } from '../support/http-client.ts'
import { inParallel } from '../support/parallel.ts'
import { startSystem, type System } from '../support/system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem()
})
afterAll(() => system.close())

const ask = (path: string) => call('GET', system.url(path))
const HOUR_MS = 3_600_000
/** The server time of an answer, on this machine's clock. */
function expectServerTime({ body }: Answer, beforeMs: number): void {
  const toldMs = Date.parse(String(body.serverTime))
  expect(toldMs).toBeGreaterThanOrEqual(beforeMs - 1)
  expect(toldMs).toBeLessThanOrEqual(Date.now() + 1)
}

test('a hundred early buyers get the server time, and no unit', async () => {
  const saleId = await system.createSale({ opensInMs: HOUR_MS, closesInMs: 2 * HOUR_MS })
  const tokens = await inParallel(100, 20, (i) => system.signIn(`early ${i}`))
  const beforeMs = Date.now()
  for (const answer of await inParallel(100, 50, (i) => system.buyUntilAvailable(saleId, tokens[i] ?? ''))) {
    expectRefused(answer, 'NOT_STARTED')
    expectServerTime(answer, beforeMs)
  }
  expect((await system.world.stock.readSale(saleId))?.left).toBe(10)
})

test.each<[name: string, headers: Record<string, string>]>([
  ['a Date header of tomorrow', { date: new Date(Date.now() + 24 * HOUR_MS).toUTCString() }],
  [
    'a timestamp of tomorrow',
    { 'x-timestamp': String(Date.now() + 24 * HOUR_MS), 'x-request-start': String(Date.now() + 24 * HOUR_MS) },
  ],
  ['a condition on time', { 'if-unmodified-since': new Date(Date.now() + 24 * HOUR_MS).toUTCString() }],
])("a client's clock opens nothing: %s", async (_, headers) => {
  const saleId = await system.createSale({ opensInMs: HOUR_MS, closesInMs: 2 * HOUR_MS })
  expectRefused(await system.buy(saleId, await system.signIn('from tomorrow'), {}, headers), 'NOT_STARTED')
})

test('an ended sale refuses purchases, also of a buyer with a reservation', async () => {
  const saleId = await system.createSale()
  const token = await system.signIn('in time')
  const first = await system.buy(saleId, token)
  expect(first.status).toBe(202)
  await system.controlRoom('PATCH', `/sales/${saleId}`, {
    opensAt: new Date(Date.now() - HOUR_MS),
    closesAt: new Date(Date.now() - 1),
  })
  const beforeMs = Date.now()
  for (const late of [await system.buy(saleId, token), await system.buy(saleId, await system.signIn('late'))]) {
    expectRefused(late, 'ENDED')
    expectServerTime(late, beforeMs)
  }
  expect((await system.settled(String(first.body.id), token)).status).toBe('ORDERED')
})

test('a sale that is postponed refuses purchases at once', async () => {
  const saleId = await system.createSale()
  await system.controlRoom('PATCH', `/sales/${saleId}`, {
    opensAt: new Date(Date.now() + HOUR_MS),
    closesAt: new Date(Date.now() + 2 * HOUR_MS),
  })
  expectRefused(await system.buy(saleId, await system.signIn('put off')), 'NOT_STARTED')
})

test.each([
  ['one that never was', 'nowhere'],
  ['the name of a key', 'sales'],
  ['a pattern', '*'],
  ['a hash tag', '%7Bnowhere%7D'],
  ['another key of the sale', 'sale-1:pending'],
  ['capitals', 'SALE-1'],
  ['encoded dots', '%2e%2e%2f%2e%2e'],
  ['NUL', '%00'],
  ['a line break', '%0d%0aDEL%20sales'],
  ['10,000 letters', 'x'.repeat(10_000)],
  ['a number', '0'],
  ['__proto__', '__proto__'],
  ['constructor', 'constructor'],
  ['Chinese', encodeURIComponent('秒杀')],
  ['a full-width letter', encodeURIComponent('ａ')],
])('an unknown sale is not found: %s', async (_, id) => {
  expectRefused(await system.buy(id, await system.signIn('lost')), 'NOT_FOUND')
  expectRefused(await ask(`/sales/${id}`), 'NOT_FOUND')
})

test.each(['%', '%E0%A4%A', '%zz', '%ff', '%c0%af'])('an id that cannot be decoded is not valid: %s', async (id) => {
  expectRefused(await system.buy(id, await system.signIn('lost')), 'INVALID_REQUEST')
  expectRefused(await ask(`/sales/${id}`), 'INVALID_REQUEST')
})

test('nothing was sold outside a window, and every unit is accounted for', async () => {
  const { balanced, sales } = await system.auditAtRest()
  expect(balanced).toBe(true)
  expect(sales.reduce((sum, { sold }) => sum + sold, 0)).toBe(1)
})
