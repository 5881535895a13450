import type { Guard } from '../guard.ts'

const ROUTES = 'order-service/http/routes.test.ts'
const OPENING = 'order-service/payments/open-payment.test.ts'
const REFUNDS = 'order-service/payments/send-refunds.test.ts'
const LINKS = 'payment-provider/link-tokens.test.ts'
const PROVIDER = 'payment-provider/payment-provider.test.ts'

/** Payments and refunds of orders, and the payment provider of the demo. */
export const moneyGuards: Guard[] = [
  {
    rule: 'money of another amount than its payment is not counted',
    file: 'core/orders/receive-money.ts',
    text: "  if (payment.amountCents !== money.amountCents) return { outcome: 'WRONG_AMOUNT', expectedCents: payment.amountCents }\n",
    without: '',
    tests: { file: ROUTES, named: 'the callback with another amount' },
  },
  {
    rule: 'money is counted for the order of its payment alone',
    file: 'core/orders/receive-money.ts',
    text: ' || payment.orderId !== money.orderId)',
    without: ')',
    tests: { file: ROUTES, named: 'the callback with another amount' },
  },
  {
    rule: 'money for an order that has ended goes back',
    file: 'core/orders/receive-money.ts',
    text: ' if (amountCents > 0) await oweMoneyBack(tx, orderId)\n',
    without: ' void [orderId, amountCents]\n',
    tests: { file: ROUTES, named: 'the callback for a cancelled' },
  },
  {
    rule: 'a payment that cannot be counted does not keep others from being counted',
    file: 'order-service/payments/count-money.ts',
    text: '!isOutage(error) || ',
    without: '',
    tests: { file: 'order-service/payments/count-money.test.ts', named: 'of payments that are reported' },
  },
  {
    rule: 'a payment is opened only for an unpaid order',
    file: 'order-service/payments/open-payment.ts',
    text: "WHERE status = 'PENDING_PAYMENT' AND amount_cents > 0\n",
    without: 'WHERE amount_cents > 0\n',
    tests: { file: OPENING, named: 'only an unpaid order' },
  },
  {
    rule: 'only its buyer opens the payment of an order',
    file: 'order-service/payments/open-payment.ts',
    text: ' AND orders.buyer_id = asked.buyer_id\n',
    without: '\n',
    tests: { file: OPENING, named: 'only an unpaid order' },
  },
  {
    rule: 'only its buyer gets the link of an open payment',
    file: 'order-service/payments/open-payment.ts',
    text: 'WHERE o.id = ${orderId}::uuid AND o.buyer_id = ${buyerId}`',
    without: 'WHERE o.id = ${orderId}::uuid`',
    tests: { file: OPENING, named: 'only an unpaid order' },
  },
  {
    rule: 'a refund that the provider has taken is not sent again',
    file: 'order-service/payments/send-refunds.ts',
    text: 'WHERE r.completed_at IS NULL AND ',
    without: 'WHERE ',
    tests: { file: REFUNDS, named: 'a late payment' },
  },
  {
    rule: 'the link of a payment is signed',
    file: 'payment-provider/link-tokens.ts',
    text: "createVerifier({ key: secret, algorithms: ['HS256'] })",
    without: "(token: string): unknown => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())",
    tests: { file: LINKS, named: 'an altered' },
  },
  {
    rule: 'a token for another purpose pays nothing',
    file: 'payment-provider/link-tokens.ts',
    text: 'aud: z.literal(AUDIENCE)',
    without: 'aud: z.unknown()',
    tests: { file: LINKS, named: 'our audience' },
  },
  {
    rule: 'only the shop asks the payment provider for links and refunds',
    file: 'payment-provider/routes.ts',
    text: "      if (fault) throw new ProblemError('BAD_SIGNATURE', signatureAdvice[fault])\n",
    without: '',
    tests: { file: PROVIDER },
  },
  {
    rule: 'a payment has one reference however often it is paid',
    file: 'payment-provider/shop.ts',
    text: "createHash('sha256').update(paymentId)",
    without: "createHash('sha256').update(`${paymentId}${Math.random()}`)",
    tests: { file: PROVIDER, named: 'paying tells' },
  },
]
