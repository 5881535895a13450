import { createSigner, createVerifier } from 'fast-jwt'
import { z } from 'zod'
import { Currency } from '../core/contracts/values.ts'

/** A payment as its link carries it: the provider stores nothing. */
export const Payment = z.strictObject({
  paymentId: z.uuid(),
  orderId: z.uuid(),
  amountCents: z.int().min(0),
  currency: Currency,
})
export type Payment = z.infer<typeof Payment>

/** An audience of its own: a buyer's token opens no payment, and a link is no buyer's token. */
const AUDIENCE = 'seckill-payment-link'
const Claims = Payment.extend({ aud: z.literal(AUDIENCE) })

export interface LinkTokens {
  sign: (payment: Payment) => string
  /** The payment; undefined for any other text than a token of this provider. */
  verify: (token: string) => Payment | undefined
}

/**
 * The same payment always has the same token. It does not expire: the shop decides whether an order can still be paid.
 */
export function createLinkTokens(secret: string): LinkTokens {
  const sign = createSigner({ key: secret, algorithm: 'HS256', aud: AUDIENCE, noTimestamp: true })
  const verify = createVerifier({ key: secret, algorithms: ['HS256'] })
  return {
    sign: ({ paymentId, orderId, amountCents, currency }) => sign({ paymentId, orderId, amountCents, currency }),
    verify(token) {
      try {
        const { paymentId, orderId, amountCents, currency } = Claims.parse(verify(token))
        return { paymentId, orderId, amountCents, currency }
      } catch {
        // Malformed, foreign or altered.
        return undefined
      }
    },
  }
}
