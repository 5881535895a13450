import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  intentSucceeded,
  otherEvent,
  refundReported,
  sessionCompleted,
  StripeStandIn,
  stripeSignature,
} from '../../../test/support/stripe-stand-in.ts'
import { type PaymentProvider, ProviderUnavailable } from '../provider.ts'
import { fromStripe, toStripe } from './amounts.ts'
import { stripeProvider } from './stripe-provider.ts'

let stripe: StripeStandIn
let provider: PaymentProvider
beforeAll(async () => {
  stripe = await new StripeStandIn().open()
  const { url, apiKey, secret } = stripe
  provider = stripeProvider({ url, apiKey, secret, shopPage: 'https://shop.example/', currency: 'CNY' })
})
afterAll(() => stripe.close())
beforeEach(() => {
  stripe.requests.length = 0
  stripe.refundStatus = 'succeeded'
})

const payment = () => ({ paymentId: randomUUID(), orderId: randomUUID(), amountCents: 1_999, currency: 'CNY' })
const paid = { paymentId: randomUUID(), orderId: randomUUID(), amount: 1_999 }
const objectOf = (body: string) => (JSON.parse(body) as { data: { object: object } }).data.object
const read = (body: string, header: string | undefined = stripeSignature([stripe.secret], body)) =>
  provider.readCallback({ 'stripe-signature': header }, Buffer.from(body))

describe('a link', () => {
  test('is that of a Checkout session for the amount, which carries our ids', async () => {
    const asked = payment()
    expect(await provider.createLink(asked)).toMatch(/^https:\/\/checkout\.stripe\.example\//)
    const [{ path, fields }] = stripe.requests as [(typeof stripe.requests)[0]]
    expect(path).toBe('/v1/checkout/sessions')
    expect(Object.fromEntries(fields)).toMatchObject({
      mode: 'payment',
      'line_items[0][price_data][unit_amount]': '1999',
      'line_items[0][price_data][currency]': 'cny',
      'metadata[payment_id]': asked.paymentId,
      'payment_intent_data[metadata][payment_id]': asked.paymentId,
      'payment_intent_data[metadata][order_id]': asked.orderId,
      success_url: 'https://shop.example/',
    })
  })

  test('asked for twice is the same session, so that a buyer cannot pay two', async () => {
    const asked = payment()
    expect(await provider.createLink(asked)).toBe(await provider.createLink(asked))
    expect(await provider.createLink(payment())).not.toBe(await provider.createLink(asked))
  })

  test('is not to be had with a foreign key, and the error does not tell ours', async () => {
    const { url, secret } = stripe
    const foreign = stripeProvider({
      url,
      secret,
      apiKey: 'sk_live_foreign',
      shopPage: 'https://shop.example/',
      currency: 'CNY',
    })
    const error = await Promise.resolve(foreign.createLink(payment())).catch((fault: unknown) => fault)
    expect(error).toBeInstanceOf(ProviderUnavailable)
    expect(String(error)).not.toContain('sk_live_foreign')
  })
})

describe('a refund', () => {
  const refund = () => ({ refundId: randomUUID(), paymentId: randomUUID(), providerRef: 'pi_7', amountCents: 1_999 })

  test('names the PaymentIntent and the amount, under an idempotency key of its own', async () => {
    const asked = refund()
    await provider.refund(asked)
    await provider.refund(asked)
    expect(stripe.requests.map(({ idempotencyKey }) => idempotencyKey)).toEqual([asked.refundId, asked.refundId])
    expect(Object.fromEntries(stripe.requests[0]?.fields ?? [])).toMatchObject({
      payment_intent: 'pi_7',
      amount: '1999',
    })
  })

  test('that is pending is taken', async () => {
    stripe.refundStatus = 'pending'
    await expect(provider.refund(refund())).resolves.toBeUndefined()
  })

  test.each(['failed', 'canceled'])('that is %s is not done', async (status) => {
    stripe.refundStatus = status
    await expect(provider.refund(refund())).rejects.toThrow(status)
  })

  test('of money that has gone back already is done; any other refusal is not', async () => {
    stripe.refusals.push({ status: 400, body: { error: { code: 'charge_already_refunded' } } })
    await expect(provider.refund(refund())).resolves.toBeUndefined()
    for (const [status, code] of [
      [400, 'resource_missing'],
      [429, 'rate_limit'],
      [500, 'api_error'],
    ] as const) {
      stripe.refusals.push({ status, body: { error: { code } } })
      await expect(provider.refund(refund())).rejects.toThrow(String(status))
    }
  })
})

describe('an event', () => {
  const received = {
    outcome: 'RECEIVED',
    currency: 'CNY',
    money: { paymentId: paid.paymentId, orderId: paid.orderId, amountCents: 1_999, providerRef: 'pi_1' },
  }

  test('of a session and one of its PaymentIntent are the same money', () => {
    expect(read(sessionCompleted(paid))).toEqual(received)
    expect(read(sessionCompleted(paid, 'paid', 'checkout.session.async_payment_succeeded'))).toEqual(received)
    expect(read(intentSucceeded(paid))).toEqual(received)
  })

  test('of a session that is completed but not paid is no money', () => {
    for (const status of ['unpaid', 'no_payment_required', 'PAID'])
      expect(read(sessionCompleted(paid, status))).toEqual({ outcome: 'IGNORED' })
  })

  test('without our ids, or of another type, is another matter', () => {
    for (const body of [
      otherEvent('payment_intent.succeeded', { id: 'pi_1', amount_received: 1_999, currency: 'cny', metadata: {} }),
      otherEvent('checkout.session.completed', { payment_status: 'paid', amount_total: 1_999, metadata: null }),
      otherEvent('payment_intent.created', objectOf(intentSucceeded(paid))),
      otherEvent('checkout.session.expired', objectOf(sessionCompleted(paid))),
      otherEvent('charge.refunded'),
      refundReported(randomUUID(), 'succeeded'),
    ])
      expect(read(body)).toEqual({ outcome: 'IGNORED' })
  })

  test('of a refund that failed at the bank alarms an operator', () => {
    const refundId = randomUUID()
    expect(read(refundReported(refundId, 'failed'))).toMatchObject({
      outcome: 'IGNORED',
      alarm: expect.stringContaining(refundId) as unknown,
    })
  })

  test.each(['', 'null', '[]', '{}', '{"id":"evt_1"}', '{"id":1,"type":"a","data":{"object":{}}}'])(
    'that is %j, though signed, is unreadable',
    (body) => {
      expect(read(body)).toMatchObject({ outcome: 'UNREADABLE' })
    },
  )

  test('about money of ours in a form that is not Stripe’s is unreadable', () => {
    for (const wrong of [{ amount: 19.99 }, { amount: -1 }, { amount: 2 ** 53 }, { currency: 'CNY' }, { intent: '' }])
      expect(read(sessionCompleted({ ...paid, ...wrong })), JSON.stringify(wrong)).toMatchObject({
        outcome: 'UNREADABLE',
      })
  })
})

describe('a signature is refused when', () => {
  const body = sessionCompleted(paid)
  const good = () => stripeSignature([stripe.secret], body)
  const v1 = () => /v1=\w+/.exec(good())?.[0] ?? ''

  test.each<[name: string, header: () => string]>([
    ['it is missing', () => ''],
    ['it has no time', () => v1()],
    ['it has two times', () => `t=1,${good()}`],
    ['it has no digest', () => `t=${Math.floor(Date.now() / 1_000)}`],
    ['its digest is cut short', () => good().slice(0, -1)],
    ['its only digest is of v0', () => good().replace('v1=', 'v0=')],
    ['it has a blank', () => good().replace(',', ', ')],
    ['it has an unknown part', () => `${good()},x`],
    ['the time was moved after signing', () => good().replace(/t=(\d+)/, (_, t: string) => `t=${Number(t) + 1}`)],
    ['the body was altered', () => stripeSignature([stripe.secret], body.replace('1999', '1'))],
    ['it is by a foreign secret', () => stripeSignature([`whsec_${'x'.repeat(32)}`], body)],
    ['it is by two foreign secrets', () => stripeSignature(['a', 'b'], body)],
    ['it is six minutes old, however well signed', () => stripeSignature([stripe.secret], body, Date.now() - 360_000)],
    ['it is six minutes ahead', () => stripeSignature([stripe.secret], body, Date.now() + 360_000)],
    ['it is of the demo’s provider', () => good().replace(/,.*/, '')],
  ])('%s', (_, header) => {
    expect(read(body, header())).toMatchObject({ outcome: 'BAD_SIGNATURE' })
  })

  test('it comes several times, as a proxy might join it', () => {
    expect(provider.readCallback({ 'stripe-signature': [good(), good()] }, Buffer.from(body)).outcome).toBe(
      'BAD_SIGNATURE',
    )
  })
})

test('while a secret is rolled, one of several signatures has to be ours, at any place', () => {
  const body = sessionCompleted(paid)
  for (const secrets of [
    ['the-other', stripe.secret],
    [stripe.secret, 'the-other'],
    ['a', 'b', stripe.secret],
  ])
    expect(read(body, stripeSignature(secrets, body)).outcome).toBe('RECEIVED')
  expect(read(body, `${stripeSignature([stripe.secret], body)},v0=${'0'.repeat(64)}`).outcome).toBe('RECEIVED')
})

describe('an amount', () => {
  test.each([
    ['CNY', 1_999, 1_999],
    ['JPY', 1_999, 1_999],
    ['EUR', 1_999, 1_999],
    ['KWD', 1_990, 1_990],
    ['ISK', 1_999, 199_900],
    ['UGX', 1_999, 199_900],
  ])('in %s: %i of ours is %i of Stripe’s, and back', (currency, ours, theirs) => {
    expect(toStripe(ours, currency)).toBe(theirs)
    expect(fromStripe(theirs, currency)).toBe(ours)
  })

  test('of every currency comes back as it went, also where Intl counts other decimals than Stripe (HUF)', () => {
    for (const currency of Intl.supportedValuesOf('currency'))
      for (const amount of [10, 1_990, 1_000_000])
        expect(fromStripe(toStripe(amount, currency), currency), currency).toBe(amount)
  })

  test('that Stripe cannot charge is refused, and half a króna is no amount of ours', () => {
    expect(() => toStripe(1_999, 'KWD')).toThrow('Stripe cannot charge 1999 in KWD')
    expect(fromStripe(199_950, 'ISK')).toBeUndefined()
    const body = sessionCompleted({ ...paid, amount: 199_950, currency: 'isk' })
    expect(read(body)).toMatchObject({ outcome: 'UNREADABLE' })
  })
})
