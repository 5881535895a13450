import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectRefused } from '../support/expect-refused.ts'
import { type Answer, call } from '../support/http-client.ts'
import { inParallel } from '../support/parallel.ts'
import { countRequests } from '../../control-room/live/read-requests.ts'
import { SERVICES, variable } from '../../dev/services.ts'
import { startSystem, type System } from '../support/system.ts'

const METRICS_TOKEN = randomBytes(24).toString('hex')

let system: System
let saleId: string
let owner: string
let stranger: string
let reservationId: string
let orderId: string

beforeAll(async () => {
  system = await startSystem({ METRICS_TOKEN })
  saleId = await system.createSale({ stock: 100 })
  owner = await system.signIn('owner')
  stranger = await system.signIn('stranger')
  reservationId = String((await system.buyUntilAvailable(saleId, owner)).body.id)
  orderId = String((await system.settled(reservationId, owner)).orderId)
  await call('POST', system.url(`/orders/${orderId}/payments`), { token: owner })
})
afterAll(() => system.close())

/** The answer without its time. */
function bytes({ status, headers, text }: Answer): string {
  return JSON.stringify({ status, text, headers: [...headers].filter(([name]) => name !== 'date') })
}

/** Expects the same answer for another buyer's resource as for one that does not exist. */
async function expectHidden(method: string, theirs: string, nowhere: string): Promise<void> {
  const hidden = await call(method, system.url(theirs), { token: stranger })
  expectRefused(hidden, 'NOT_FOUND')
  expect(bytes(hidden)).toBe(bytes(await call(method, system.url(nowhere), { token: stranger })))
}

describe("another buyer's resource is answered, byte for byte, like one that does not exist", () => {
  test('a reservation', () =>
    expectHidden('GET', `/reservations/${reservationId}`, `/reservations/${saleId}.${'A'.repeat(22)}`))
  test('a reservation, of a sale that does not exist', () =>
    expectHidden('GET', `/reservations/${reservationId}`, `/reservations/nowhere.${'A'.repeat(22)}`))
  test('a reservation, of no possible id', () =>
    expectHidden('GET', `/reservations/${reservationId}`, '/reservations/1'))
  test('an order', () => expectHidden('GET', `/orders/${orderId}`, `/orders/${randomUUID()}`))
  test('an order, of no possible id', () => expectHidden('GET', `/orders/${orderId}`, '/orders/1'))
  test("an order's payment, which exists", () =>
    expectHidden('POST', `/orders/${orderId}/payments`, `/orders/${randomUUID()}/payments`))
  test("an order's cancellation", () =>
    expectHidden('POST', `/orders/${orderId}/cancellation`, `/orders/${randomUUID()}/cancellation`))
  test('a reservation with its id in capitals', () =>
    expectHidden('GET', `/reservations/${reservationId.toUpperCase()}`, `/reservations/${saleId}.${'A'.repeat(22)}`))
  test('an order asked for by its reservation', () =>
    expectHidden('GET', `/orders/${reservationId}`, `/orders/${randomUUID()}`))
})

test('neither HEAD nor a query discloses it', async () => {
  for (const path of [`/reservations/${reservationId}`, `/orders/${orderId}`]) {
    expect((await call('HEAD', system.url(path), { token: stranger })).status).toBe(404)
    expectRefused(await call('GET', system.url(`${path}?buyerId=owner&admin=true`), { token: stranger }), 'NOT_FOUND')
  }
})

test("a stranger's cancellation and payment leave the order as it was", async () => {
  await call('POST', system.url(`/orders/${orderId}/cancellation`), { token: stranger })
  expect(await call('GET', system.url(`/orders/${orderId}`), { token: owner })).toMatchObject({
    status: 200,
    body: { status: 'PENDING_PAYMENT' },
  })
})

test('ids are random: of 50 reservations, no two share a tenth of what is random in them', async () => {
  const tokens = await inParallel(50, 10, (i) => system.signIn(`random ${i}`))
  const answers = await inParallel(50, 10, (i) => system.buyUntilAvailable(saleId, tokens[i] ?? ''))
  const random = answers.map(({ body }) => Buffer.from(String(body.id).slice(saleId.length + 1), 'base64url'))
  for (const id of random) expect(id).toHaveLength(16)
  expect(new Set(random.map((id) => id.subarray(0, 8).toString('hex'))).size).toBe(50)
  expect(new Set(random.map((id) => id.subarray(8).toString('hex'))).size).toBe(50)
})

test('every unit is accounted for', async () => {
  expect(await system.auditAtRest()).toMatchObject({ balanced: true, sales: [{ sold: 51 }] })
})

describe('metrics need the metrics token', () => {
  test.each(SERVICES.map(({ name }) => name))('of the %s', async (name) => {
    if (name === 'subscribers') await system.start('subscribers')
    const url = `http://127.0.0.1:${system.env[variable(name, 'PORT')]}/metrics`
    expectRefused(await call('GET', url), 'UNAUTHENTICATED')
    for (const token of [stranger, system.env.ADMIN_TOKEN, system.env.TOKEN_SECRET])
      expectRefused(await call('GET', url, { token }), 'FORBIDDEN')
    expect((await call('GET', url, { token: METRICS_TOKEN })).text).toContain('process_cpu_seconds_total')
  })

  test('and the control room is one of them', async () => {
    expect((await countRequests(system.url(''), METRICS_TOKEN)).accepted).toBeGreaterThan(0)
    await expect(countRequests(system.url(''), undefined)).rejects.toThrow('401')
  })
})
