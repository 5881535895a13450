import type { Guard } from '../guard.ts'

const STRIPE = 'order-service/payments/stripe/stripe-provider.test.ts'

/** What payment providers report: signatures, amounts, and whether it is money at all. */
export const paymentGuards: Guard[] = [
  {
    rule: 'one of the signatures of a callback is ours',
    file: 'core/platform/http/signature.ts',
    text: "if (!v1.some((given) => timingSafeEqual(expected, Buffer.from(given, 'hex')))) return 'WRONG'",
    without: "if (v1.length === 0 || expected.length === 0 || !timingSafeEqual(expected, expected)) return 'WRONG'",
    tests: { file: STRIPE, named: 'a signature is refused when' },
  },
  {
    rule: 'a recorded event cannot be sent again later',
    file: 'core/platform/http/signature.ts',
    text: 'Math.abs(nowMs / 1_000 - Number(t)) > SIGNATURE_TOLERANCE_SECONDS',
    without: 'Number.isNaN(nowMs)',
    tests: { file: STRIPE, named: 'a signature is refused when' },
  },
  {
    rule: 'a digest of another scheme than v1 signs nothing',
    file: 'order-service/payments/stripe/signature.ts',
    text: '|^v1=(?<digest>',
    without: '|^v[01]=(?<digest>',
    tests: { file: STRIPE, named: 'a signature is refused when' },
  },
  {
    rule: 'a session of Stripe that is completed but not paid is no money',
    file: 'order-service/payments/stripe/read-event.ts',
    text: "session.payment_status === 'paid'",
    without: "session.payment_status !== ''",
    tests: { file: STRIPE, named: 'an event of a session that is completed' },
  },
  {
    rule: 'amounts of Stripe are converted where its decimals differ',
    file: 'order-service/payments/stripe/amounts.ts',
    text: 'return rescale(amount, stripeDecimals(currency), decimalsOf(currency))',
    without: 'return amount',
    tests: { file: STRIPE, named: 'an amount' },
  },
  {
    rule: 'a payment has one session of Stripe, and a refund is made once',
    file: 'order-service/payments/stripe/stripe-provider.ts',
    text: "'idempotency-key': key,",
    without: "'idempotency-key': `${key}${Math.random()}`,",
    tests: { file: STRIPE, named: 'a link asked for twice' },
  },
  {
    rule: 'a refund that Stripe has not made is sent again',
    file: 'order-service/payments/stripe/stripe-provider.ts',
    text: "if (status === 'failed' || status === 'canceled')",
    without: "if (status === 'requires_action')",
    tests: { file: STRIPE, named: 'a refund that is' },
  },
  {
    rule: 'a buyer who has paid twice is reported',
    file: 'core/orders/receive-money.ts',
    text: 'payment.providerRef !== money.providerRef &&',
    without: 'payment.providerRef === money.providerRef &&',
    tests: { file: 'test/stripe-payments.test.ts', named: 'a second PaymentIntent' },
  },
]
