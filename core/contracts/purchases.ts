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
