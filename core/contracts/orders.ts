import { z } from 'zod'
import { EndReason } from './end-reason.ts'
import { storable } from './text.ts'
import { CouponCode, Currency, OrderId, ReservationId, SaleId } from './values.ts'

export const SagaState = z.enum(['RUNNING', 'DONE', 'COMPENSATING', 'COMPENSATED'])

export const OrderView = z.strictObject({
  id: OrderId,
  reservationId: ReservationId,
  saleId: SaleId,
  quantity: z.int(),
  amountCents: z
    .int()
    .describe('amount to pay, reduced as coupon and points are taken; an order of 0 is PAID without a payment'),
  currency: Currency,
  status: z.enum(['PENDING_PAYMENT', 'PAID', 'CANCELLED', 'REFUNDED']),
  createdAt: z.iso.datetime(),
  paymentDeadline: z.iso.datetime(),
  paidAt: z.iso.datetime().optional(),
  cancelledAt: z.iso.datetime().optional(),
  refundedAt: z.iso.datetime().optional().describe('when the refund was decided; the money arrives soon after'),
  reason: EndReason.optional().describe('why it was cancelled or refunded'),
  couponCode: CouponCode.optional(),
  points: z.int().optional().describe('points that the order spends'),
  saga: z
    .strictObject({
      state: SagaState,
      reason: EndReason.optional(),
    })
    .optional()
    .describe('saga that takes coupon and points, or gives them back; the order can be paid once this is DONE'),
  serverTime: z.iso.datetime(),
})
export type OrderView = z.infer<typeof OrderView>

export const PaymentView = z.strictObject({
  paymentId: z.uuid(),
  orderId: OrderId,
  amountCents: z.int(),
  currency: Currency,
  url: z.url().describe('where the buyer pays'),
})
export type PaymentView = z.infer<typeof PaymentView>

/** What the payment provider sends when money has arrived; the signature covers the raw body. */
export const PaymentCallback = z.strictObject({
  paymentId: z.uuid(),
  orderId: OrderId,
  amountCents: z.int().min(0),
  currency: Currency,
  providerRef: storable(100),
})
export type PaymentCallback = z.infer<typeof PaymentCallback>
export const PaymentCallbackAnswer = z.strictObject({ outcome: z.enum(['PAID', 'ALREADY_COUNTED', 'REFUND_DUE']) })
