import type { IncomingHttpHeaders } from 'node:http'
import type { Money } from '../../core/orders/transitions.ts'

/**
 * Whoever takes the buyers' money: the one module to replace when it is somebody else (see demo-provider.ts). Amounts
 * are in cents. Every call has its own time limit, a few seconds at most.
 */
export interface PaymentProvider {
  /**
   * Where the buyer pays. Asked again for the same payment, the provider must take the money once all the same.
   * @throws ProviderUnavailable when it does not answer.
   */
  createLink: (payment: { paymentId: string; orderId: string; amountCents: number }) => Promise<string> | string
  /** Gives money back; the same `refundId` again is the same refund. @throws when the provider has not taken it. */
  refund: (refund: { refundId: string; paymentId: string; providerRef: string; amountCents: number }) => Promise<void>
  /** Reads a callback and makes sure that it is the provider's own, unaltered and recent. */
  readCallback: (headers: IncomingHttpHeaders, rawBody: Buffer) => CallbackReading
}

export type CallbackReading =
  | { outcome: 'RECEIVED'; money: Money }
  /** Not to be believed. */
  | { outcome: 'BAD_SIGNATURE'; detail: string }
  /** The provider's own, but not what we expect of it. */
  | { outcome: 'UNREADABLE'; detail: string }

/** The provider does not answer, or not in time: trying again later helps. */
export class ProviderUnavailable extends Error {}
