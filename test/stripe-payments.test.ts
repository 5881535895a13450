import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { receiveMoney } from '../core/orders/receive-money.ts'
import { chooseProvider } from '../order-service/payments/choose-provider.ts'
import { OrderServiceConfig } from '../order-service/config.ts'
import { BadConfiguration, parseConfig } from '../core/platform/process/config.ts'
import { eventually } from './support/eventually.ts'
import { call } from './support/http-client.ts'
import {
  intentSucceeded,
  otherEvent,
  refundReported,
  sessionCompleted,
  StripeStandIn,
  stripeSignature,
} from './support/stripe-stand-in.ts'
import { startSystem, type System } from './support/system.ts'

let stripe: StripeStandIn
let system: System
let saleId: string
beforeAll(async () => {
  stripe = await new StripeStandIn().open()
  system = await startSystem(
    {
      PAYMENT_PROVIDER: 'stripe',
      PAYMENT_PROVIDER_URL: stripe.url,
      PAYMENT_API_KEY: stripe.apiKey,
      PAYMENT_SECRET: stripe.secret,
      SHOP_PAGE_URL: 'https://shop.example/',
    },
    ['order-service', 'cancel-worker', 'control-room', 'gateway'],
  )
  saleId = await system.createSale({ stock: 50 })
})
afterAll(async () => {
  await system.close()
  stripe.close()
})
beforeEach(() => {
  stripe.requests.length = 0
})

async function toPay(name: string) {
  const token = await system.signIn(name)
  const { body } = await system.buy(saleId, token)
  const orderId = String((await system.settled(String(body.id), token)).orderId)
  const { body: payment } = await call('POST', system.url(`/orders/${orderId}/payments`), { token })
  const paid = { orderId, paymentId: String(payment.paymentId), amount: 1_000, intent: `pi_${randomUUID()}` }
  return { token, orderId, paid, url: String(payment.url) }
}
const report = (body: string, signature = stripeSignature([stripe.secret], body)) =>
  call('POST', system.url('/payments/callback'), { body, headers: { 'stripe-signature': signature } })
const outcomeOf = async (body: string) => (await report(body)).body.outcome
const statusOf = async ({ orderId, token }: { orderId: string; token: string }) =>
  (await call('GET', system.url(`/orders/${orderId}`), { token })).body.status

test('a buyer is sent to Checkout, and the event makes the order paid', async () => {
  const order = await toPay('alice')
  expect(order.url).toMatch(/^https:\/\/checkout\.stripe\.example\//)
  expect(await outcomeOf(sessionCompleted(order.paid))).toBe('PAID')
  expect(await statusOf(order)).toBe('PAID')
})

test('the same event again, and the other event about the same money, count once, in any order', async () => {
  const order = await toPay('bob')
  const first = intentSucceeded(order.paid)
  expect(await outcomeOf(sessionCompleted(order.paid, 'unpaid'))).toBe('IGNORED')
  expect(await outcomeOf(otherEvent('payment_intent.canceled'))).toBe('IGNORED')
  expect(await statusOf(order)).toBe('PENDING_PAYMENT')
  const outcomes = await Promise.all([first, first, sessionCompleted(order.paid), first].map(outcomeOf))
  expect(outcomes.filter((outcome) => outcome === 'PAID')).toHaveLength(1)
  expect(outcomes.filter((outcome) => outcome === 'ALREADY_COUNTED')).toHaveLength(3)
  expect(await system.world.database.refund.count({ where: { paymentId: order.paid.paymentId } })).toBe(0)
})

test('forged, stale, altered and foreign events leave the order unpaid', async () => {
  const order = await toPay('carol')
  const body = sessionCompleted(order.paid)
  const attacks = [
    [body, ''],
    [body, stripeSignature([`whsec_${'x'.repeat(32)}`], body)],
    [body, stripeSignature([stripe.secret], body, Date.now() - 360_000)],
    [body.replace('"amount_total":1000', '"amount_total":1001'), stripeSignature([stripe.secret], body)],
    [body, stripeSignature([system.env.TOKEN_SECRET ?? ''], body)],
  ] as const
  for (const [sent, signature] of attacks)
    expect(await report(sent, signature)).toMatchObject({ status: 401, body: { code: 'BAD_SIGNATURE' } })
  expect((await report(sessionCompleted({ ...order.paid, amount: 1 }))).status).toBe(400)
  expect((await report(sessionCompleted({ ...order.paid, currency: 'jpy' }))).status).toBe(400)
  expect((await report(sessionCompleted({ ...order.paid, paymentId: randomUUID() }))).status).toBe(404)
  expect(await statusOf(order)).toBe('PENDING_PAYMENT')
})

test('money for a cancelled order goes back once, and a refund that failed later is acknowledged', async () => {
  const order = await toPay('dave')
  await call('POST', system.url(`/orders/${order.orderId}/cancellation`), { token: order.token })
  expect(await outcomeOf(sessionCompleted(order.paid))).toBe('REFUND_DUE')
  expect(await outcomeOf(sessionCompleted(order.paid))).toBe('ALREADY_COUNTED')
  const refund = await eventually(
    'the refund to be sent',
    () => system.world.database.refund.findFirst({ where: { paymentId: order.paid.paymentId } }),
    (found) => found !== null && found.completedAt !== null,
  )
  const sent = stripe.requests.filter(({ path }) => path === '/v1/refunds')
  expect(sent).toMatchObject([{ idempotencyKey: refund?.id }])
  expect(Object.fromEntries(sent[0]?.fields ?? [])).toMatchObject({ payment_intent: order.paid.intent, amount: '1000' })
  expect(await outcomeOf(refundReported(String(refund?.id), 'failed'))).toBe('IGNORED')
})

test('a second PaymentIntent for a paid order is counted no second time, and an operator is told', async () => {
  const order = await toPay('erin')
  expect(await outcomeOf(sessionCompleted(order.paid))).toBe('PAID')
  expect(await outcomeOf(sessionCompleted({ ...order.paid, intent: 'pi_second' }))).toBe('ALREADY_COUNTED')
  const { paymentId, orderId } = order.paid
  const second = { paymentId, orderId, amountCents: 1_000, providerRef: 'pi_second' }
  expect(await receiveMoney(system.world.database, [second])).toEqual([
    { outcome: 'ALREADY_COUNTED', countedRef: order.paid.intent },
  ])
  const payment = await system.world.database.payment.findUnique({ where: { id: paymentId } })
  expect(payment?.providerRef).toBe(order.paid.intent)
})

test('after all of it the audit is balanced', async () => {
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true })
})

test('without its key or the address of the shop, the order service does not start', () => {
  const { PAYMENT_API_KEY: _, ...env } = system.env
  expect(() => chooseProvider(parseConfig(OrderServiceConfig, env))).toThrow(BadConfiguration)
})
