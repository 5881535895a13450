import { randomBytes } from 'node:crypto'
import express from 'express'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { PaymentCallback } from '../core/contracts/orders.ts'
import { Closers } from '../core/platform/process/closers.ts'
import { startHttp } from '../core/platform/http/http-service.ts'
import { createLog } from '../core/platform/process/log.ts'
import { createMetrics } from '../core/platform/process/metrics.ts'
import { signatureFault, signBody } from '../core/platform/http/signature.ts'
import { call } from '../test/support/http-client.ts'
import { startPaymentProvider } from './payment-provider.ts'

const SECRET = randomBytes(24).toString('hex')
const payment = {
  paymentId: '7f3f8f0e-6a0e-4a5b-9d9b-0d8c8f6f2a11',
  orderId: '0b8a3c1e-1d53-4c3e-8a54-6d9a2f1c7e22',
  amountCents: 1_999,
  currency: 'CNY',
}
const refund = {
  refundId: '3b1f2f0c-9d53-4e8e-8a54-6d9a2f1c7e33',
  paymentId: payment.paymentId,
  providerRef: 'demo-1',
  amountCents: 1_999,
}
const log = createLog('test', process.env.TEST_LOG_LEVEL ?? 'silent')
const closers = new Closers(log)

/** What the shop was told, and how it answers next. */
const told: { body: Buffer; signature: string | undefined }[] = []
let answers: { status: number; body: unknown }[] = []
let url = ''

beforeAll(async () => {
  const shop = await startHttp({
    host: '127.0.0.1',
    port: 0,
    log,
    metrics: createMetrics('shop'),
    checks: {},
    routes: (app) =>
      app.post('/payments/callback', express.raw({ type: () => true }), (req, res) => {
        told.push({ body: req.body as Buffer, signature: req.get('Payment-Signature') })
        const { status, body } = answers.shift() ?? { status: 200, body: { outcome: 'PAID' } }
        res.status(status).json(body)
      }),
  })
  closers.add('shop', shop.close)
  const config = {
    NODE_ENV: 'test',
    LOG_LEVEL: 'silent',
    HOST: '127.0.0.1',
    PAYMENT_PROVIDER_PORT: 0,
    ALLOW_DEMO_PAYMENTS: false,
    TRACE_SAMPLE_RATE: 0,
    TRACE_SLOW_MS: 1_000,
    PAYMENT_SECRET: SECRET,
    PUBLIC_URL: `http://127.0.0.1:${shop.port}`,
  } as const
  url = `http://127.0.0.1:${(await startPaymentProvider({ config, log, closers })).port}`
})
afterAll(() => closers.closeAll())
beforeEach(() => {
  told.length = 0
  answers = []
})

function signed(path: string, message: unknown, secret = SECRET) {
  const body = JSON.stringify(message)
  return call('POST', url + path, { body, headers: { 'Payment-Signature': signBody(secret, body) } })
}
/** The link's path on this provider. */
const link = async () => url + new URL(String((await signed('/links', payment)).body.url)).pathname
const pay = (at: string, accept = 'application/json') => call('POST', at, { headers: { accept } })
const times = (count: number, status: number, body: unknown = {}) =>
  Array.from({ length: count }, () => ({ status, body }))

describe('a link', () => {
  test('is the same for the same payment and shows the amount, with nothing from elsewhere', async () => {
    const at = await link()
    expect(await link()).toBe(at)
    const page = await fetch(at)
    const policy = page.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("form-action 'self'")
    expect(policy).not.toContain('upgrade-insecure-requests')
    const html = await page.text()
    expect(html).toContain('¥19.99')
    // A link is followed only on a click; the page itself fetches nothing.
    expect(html.replaceAll(/<a href="[^"]*">/g, '')).not.toMatch(/<script|https?:\/\//)
  })

  test.each([
    ['JPY', '¥1,999'],
    ['KWD', 'KWD 1.999'],
    ['EUR', '€19.99'],
  ])('shows an amount in %s', async (currency, amount) => {
    const { body } = await signed('/links', { ...payment, currency })
    const html = await (await fetch(url + new URL(String(body.url)).pathname)).text()
    expect(html.replaceAll('\u00a0', ' ')).toContain(amount)
  })

  test('is given to the shop only, for a payment that is one', async () => {
    expect((await call('POST', `${url}/links`, { body: payment })).status).toBe(401)
    expect((await signed('/links', payment, 'x'.repeat(32))).status).toBe(401)
    for (const wrong of [
      {},
      null,
      { ...payment, amountCents: -1 },
      { ...payment, currency: 'yen' },
      { ...payment, extra: 1 },
    ])
      expect((await signed('/links', wrong)).status).toBe(400)
  })

  test('that is not ours is 404, to look at and to pay', async () => {
    for (const path of ['/pay/x', `/pay/${'a'.repeat(3_000)}`, `${new URL(await link()).pathname}x`]) {
      expect(await call('GET', url + path)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
      expect((await pay(url + path)).status).toBe(404)
    }
    expect(told).toHaveLength(0)
  })
})

describe('paying', () => {
  test('tells the shop, signed and by the contract, under one reference however often', async () => {
    const at = await link()
    expect(await pay(at)).toMatchObject({ status: 200, body: { outcome: 'PAID' } })
    await pay(at)
    const [first, second] = told.map(({ body }) => PaymentCallback.parse(JSON.parse(body.toString())))
    expect(first).toEqual({ ...payment, providerRef: expect.any(String) as unknown })
    expect(second).toEqual(first)
    for (const { body, signature } of told) expect(signatureFault(SECRET, signature, body)).toBeUndefined()
  })

  test('goes on telling while the shop stumbles, is crowded, or does not know the payment yet', async () => {
    answers = [...times(1, 503), ...times(1, 429), ...times(1, 404), ...times(1, 200, { outcome: 'REFUND_DUE' })]
    expect(await pay(await link())).toMatchObject({ status: 200, body: { outcome: 'REFUND_DUE' } })
    expect(told).toHaveLength(4)
  })

  test('ends after five tries, saying that it is not known', async () => {
    answers = times(9, 500)
    expect(await pay(await link())).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } })
    expect(told).toHaveLength(5)
  })

  test.each([400, 401, 409])('ends at once when the shop answers %i', async (status) => {
    answers = times(1, status)
    expect(await pay(await link())).toMatchObject({ status: 409, body: { code: 'NOT_PAYABLE' } })
    expect(told).toHaveLength(1)
  })

  test('takes 2xx with an answer that is none for no answer', async () => {
    answers = times(9, 200, { outcome: 'WHATEVER' })
    expect((await pay(await link())).status).toBe(503)
  })

  test('shows a browser a page', async () => {
    const page = await pay(await link(), 'text/html,application/xhtml+xml,*/*;q=0.8')
    expect(page.status).toBe(200)
    expect(page.body.text).toContain('<h1>Paid</h1>')
  })
})

describe('a refund', () => {
  test('is taken, and taken again', async () => {
    for (let i = 0; i < 2; i++)
      expect(await signed('/refunds', refund)).toMatchObject({ status: 200, body: { refundId: refund.refundId } })
  })

  test('unsigned or malformed is refused', async () => {
    expect((await call('POST', `${url}/refunds`, { body: refund })).status).toBe(401)
    expect((await signed('/refunds', { ...refund, amountCents: '1' })).status).toBe(400)
    // A recorded callback, sent here instead: signed by the same secret, but no refund.
    expect((await signed('/refunds', { ...payment, providerRef: 'demo-1' })).status).toBe(400)
  })
})
