import type { IncomingHttpHeaders } from 'node:http'
import type { PaymentView } from '../../core/contracts/orders.ts'
import type { Money } from '../../core/orders/receive-money.ts'

/**
 * A payment provider; choose-provider.ts picks one by PAYMENT_PROVIDER. Amounts are in the smallest unit of the
 * currency. Every call must have a time limit of a few seconds.
 */
export interface PaymentProvider {
  /**
   * The URL where the buyer pays. Called again for the same payment, the provider must still charge only once.
   * @throws ProviderUnavailable when it does not answer
   */
  createLink: (payment: Omit<PaymentView, 'url'>) => Promise<string> | string
  /** Refunds a payment, idempotent by `refundId`. @throws when the provider has not accepted it */
  refund: (refund: { refundId: string; paymentId: string; providerRef: string; amountCents: number }) => Promise<void>
  /** Parses a callback and verifies that it comes from the provider, unaltered and recent. */
  readCallback: (headers: IncomingHttpHeaders, rawBody: Buffer) => CallbackReading
}

export type CallbackReading =
  /** The currency as ISO 4217 has it: money of another than the shop's is not counted. */
  | { outcome: 'RECEIVED'; money: Money; currency: string }
  /** Not from the provider, altered or too old. */
  | { outcome: 'BAD_SIGNATURE'; detail: string }
  /** From the provider, but no money for an order of ours. `alarm` tells what an operator has to look at. */
  | { outcome: 'IGNORED'; alarm?: string }
  /** From the provider, but not in the expected format. */
  | { outcome: 'UNREADABLE'; detail: string }

/** The provider does not answer in time, or not with 2xx; a retry helps. */
export class ProviderUnavailable extends Error {}
