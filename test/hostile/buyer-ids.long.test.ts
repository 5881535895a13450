import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BuyerId } from '../../core/contracts/values.ts'
import { createTokens, type Tokens } from '../../core/platform/http/tokens.ts'
import { eventually } from '../support/eventually.ts'
import { expectRefused } from '../support/expect-refused.ts'
import { call } from '../support/http-client.ts'
import { startSystem, type System } from '../support/system.ts'

let system: System
let folder: string
let tokens: Tokens
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'buyer-ids-'))
  const services = [
    'payment-provider',
    'order-service',
    'cancel-worker',
    'control-room',
    'gateway',
    'subscribers',
  ] as const
  system = await startSystem({ SMS_LOG_FILE: join(folder, 'sms.log') }, [...services])
  tokens = createTokens(system.env.TOKEN_SECRET ?? '')
})
afterAll(async () => {
  await system.close()
  await rm(folder, { recursive: true })
})

/** What a place that an id goes to could take for something of its own. */
const CHOSEN = [
  'auth0|64ab',
  'bob+vip@example.com',
  'CN=bob, OU=shop/sales',
  'a/b?c=%2F#d',
  '../blacklist',
  '%2e%2e',
  '...',
  '{sale}',
  '{window}',
  ' 127.0.0.1',
  'a:stock',
  'alice smith',
  'alice smith ',
  'waad|Zm9v=',
  '~!#$%&*()[]{}"\'\\<>?;^`',
  "'; DROP TABLE orders; --",
  '${process.env.TOKEN_SECRET}',
  '<img src=x onerror=alert(1)>',
  '__proto__',
  'constructor',
  'null',
  '张伟',
  'аlice',
  '\u00e9',
  'e\u0301',
  'علی\u200cرضا',
  '👩‍👩‍👧',
  'x'.repeat(255),
  '汉'.repeat(255),
  '😀'.repeat(127),
]
/** Any other printable text; a failure shows it. */
const drawn = fc.sample(
  fc
    .string({
      unit: fc
        .constantFrom('grapheme', 'grapheme-ascii')
        .chain((unit) => fc.string({ unit, minLength: 1, maxLength: 1 })),
      minLength: 1,
      maxLength: 255,
    })
    .filter((id) => BuyerId.safeParse(id).success),
  20,
)
const ids = [...new Set([...CHOSEN, ...drawn])]

test('buyers by any printable id of up to 255 characters buy, pay and are told, each as themselves', async () => {
  const saleId = await system.createSale({ stock: ids.length, shards: 2 })
  const bought = await Promise.all(ids.map((id) => system.buyUntilAvailable(saleId, tokens.sign(id))))
  expect(bought.map(({ status }, i) => [ids[i], status])).toEqual(ids.map((id) => [id, 202]))
  for (const [i, id] of ids.entries()) {
    const token = tokens.sign(id)
    const { orderId } = await system.settled(String(bought[i]?.body.id), token)
    const payment = await call('POST', system.url(`/orders/${String(orderId)}/payments`), { token })
    await call('POST', String(payment.body.url), { headers: { accept: 'application/json' } })
  }
  const { database } = system.world
  const paid = await eventually(
    'every order to be paid',
    () => database.order.findMany({ where: { saleId, status: 'PAID' } }),
    (orders) => orders.length === ids.length,
  )
  expect(paid.map(({ buyerId }) => buyerId).toSorted()).toEqual(ids.toSorted())
  const told = await eventually(
    'every buyer to be told',
    () =>
      readFileSync(join(folder, 'sms.log'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { buyerId: string }).buyerId),
    (buyers) => new Set(buyers).size === ids.length,
  )
  expect([...new Set(told)].toSorted()).toEqual(ids.toSorted())
  const points = await eventually(
    'every buyer to have points',
    () => database.pointsEntry.findMany({ where: { saleId } }),
    (entries) => entries.length === ids.length,
  )
  expect(points.map(({ buyerId }) => buyerId).toSorted()).toEqual(ids.toSorted())
  expect(await system.auditAtRest(saleId)).toMatchObject({
    balanced: true,
    sales: [{ sold: ids.length, redisLeft: 0 }],
  })
})

test('each can be put on the blacklist and given points, by an address with their id in it', async () => {
  const saleId = await system.createSale({ stock: 3 * ids.length })
  for (const id of ids) {
    const path = encodeURIComponent(id)
    expect(await system.controlRoom('PUT', `/blacklist/${path}`, { reason: 'a test' })).toMatchObject({
      status: 200,
      body: { buyerId: id },
    })
    expectRefused(await system.buy(saleId, tokens.sign(id)), 'NOT_ELIGIBLE')
    expect((await system.controlRoom('DELETE', `/blacklist/${path}`)).status).toBe(204)
    expect(await system.buy(saleId, tokens.sign(id))).toMatchObject({ status: 202 })
    expect(await system.controlRoom('POST', `/points/${path}`, { points: 1 })).toMatchObject({ body: { buyerId: id } })
  }
  await system.auditAtRest(saleId)
})
