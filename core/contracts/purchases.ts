import { z } from 'zod'
import { EndReason } from './end-reason.ts'
import { AMOUNT_CENTS_MAX, CouponCode, OrderId, QUANTITY_MAX, ReservationId, SaleId } from './values.ts'

/** A purchase over HTTP. The OpenAPI document is generated from these schemas, and from those beside them. */

export const ReservationRequest = z.strictObject({
  quantity: z
    .int()
    .min(1)
    .max(QUANTITY_MAX)
    .default(1)
    .describe("units, up to the buyer's limit in this sale, in all of their purchases together"),
  coupon: CouponCode.optional().describe('a coupon to use; when it cannot be, the order is cancelled'),
  points: z
    .int()
    .min(0)
    .max(AMOUNT_CENTS_MAX)
    .optional()
    .describe('points to spend, one for a cent; when there are too few, the order is cancelled'),
})

export type ReservationRequest = z.infer<typeof ReservationRequest>

const ReservationStatus = z.enum(['RESERVED', 'ORDERED', 'PAID', 'CANCELLED', 'REFUNDED', 'REJECTED'])
export const ReservationView = z.strictObject({
  id: ReservationId,
  saleId: SaleId,
  status: ReservationStatus,
  quantity: z.int(),
  coupon: CouponCode.optional(),
  points: z.int().optional().describe('points to spend'),
  reason: EndReason.optional().describe('why it ended without a sale'),
  orderId: OrderId.optional(),
})
export type ReservationView = z.infer<typeof ReservationView>

export const OwnReservation = ReservationView.omit({ coupon: true, points: true }).extend({
  title: z.string().optional().describe('of the sale; absent when it is archived'),
  reservedAt: z.iso.datetime(),
  amountCents: z.int().optional().describe('what the order costs'),
  paymentDeadline: z.iso.datetime().optional().describe('of an order that waits for its payment'),
})
export type OwnReservation = z.infer<typeof OwnReservation>

export const OwnReservations = z.strictObject({
  reservations: z.array(OwnReservation).describe('the newest first; those of archived sales are not listed'),
  isComplete: z
    .boolean()
    .describe('false when Redis could not be asked: reservations of the last seconds, not decided yet, may be missing'),
  next: z.string().optional().describe('cursor of the next page; absent on the last one'),
})
export type OwnReservations = z.infer<typeof OwnReservations>
