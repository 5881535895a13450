import { z } from 'zod'
import { callProvider, jsonOf, type ProviderAnswer } from '../call-provider.ts'
import { type PaymentProvider, ProviderUnavailable } from '../provider.ts'
import { toStripe } from './amounts.ts'
import { readEvent } from './read-event.ts'
import { stripeSignatureFault } from './signature.ts'

const Session = z.object({ url: z.url({ protocol: /^https?$/ }) })
const Refund = z.object({ status: z.enum(['succeeded', 'pending', 'requires_action', 'failed', 'canceled']) })
const Failure = z.object({ error: z.object({ code: z.string() }) })

export interface StripeProviderOptions {
  /** Base URL of the API, https://api.stripe.com. */
  url: string
  apiKey: string
  /** Signs the events of our webhook endpoint, whsec_…. */
  secret: string
  /** Where Checkout leads a buyer back to. */
  shopPage: string
  /** ISO 4217. */
  currency: string
}

/**
 * Stripe Checkout: a session for each payment, and signed events at /payments/callback. An idempotency key holds at
 * least as long as a session, 24 hours, so a payment has one session that can be paid.
 */
export function stripeProvider({ url, apiKey, secret, shopPage, currency }: StripeProviderOptions): PaymentProvider {
  function post(path: string, key: string, fields: Record<string, string>): Promise<ProviderAnswer> {
    const headers = {
      authorization: `Bearer ${apiKey}`,
      'content-type': 'application/x-www-form-urlencoded',
      'idempotency-key': key,
    }
    return callProvider({ url, path, body: new URLSearchParams(fields).toString(), headers })
  }

  return {
    async createLink({ paymentId, orderId, amountCents, currency: ofPayment }) {
      const path = '/v1/checkout/sessions'
      const answer = await post(path, paymentId, {
        mode: 'payment',
        success_url: shopPage,
        cancel_url: shopPage,
        client_reference_id: orderId,
        'line_items[0][quantity]': '1',
        'line_items[0][price_data][currency]': ofPayment.toLowerCase(),
        'line_items[0][price_data][unit_amount]': String(toStripe(amountCents, ofPayment)),
        'line_items[0][price_data][product_data][name]': `Order ${orderId}`,
        ...metadata('metadata', paymentId, orderId),
        ...metadata('payment_intent_data[metadata]', paymentId, orderId),
      })
      return Session.parse(jsonOf(answer, path)).url
    },

    async refund({ refundId, providerRef, amountCents }) {
      const path = '/v1/refunds'
      const answer = await post(path, refundId, {
        payment_intent: providerRef,
        amount: String(toStripe(amountCents, currency)),
        'metadata[refund_id]': refundId,
      })
      if (isRefundedAlready(answer)) return
      const { status } = Refund.parse(jsonOf(answer, path))
      if (status === 'failed' || status === 'canceled')
        throw new ProviderUnavailable(
          `Stripe answered that refund ${refundId} is ${status}, expected succeeded or pending`,
        )
    },

    readCallback(headers, rawBody) {
      const header = headers['stripe-signature']
      const fault = stripeSignatureFault(secret, typeof header === 'string' ? header : undefined, rawBody)
      return fault === undefined ? readEvent(rawBody) : { outcome: 'BAD_SIGNATURE', detail: fault }
    },
  }
}

const metadata = (name: string, paymentId: string, orderId: string) => ({
  [`${name}[payment_id]`]: paymentId,
  [`${name}[order_id]`]: orderId,
})

/** We refund whole payments: a repeat after its idempotency key was forgotten finds that the money has gone back. */
function isRefundedAlready({ status, text }: ProviderAnswer): boolean {
  if (status !== 400) return false
  const failure = Failure.safeParse(JSON.parse(text))
  return failure.success && failure.data.error.code === 'charge_already_refunded'
}
