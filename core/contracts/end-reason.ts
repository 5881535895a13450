import { z } from 'zod'

/** Why a reservation or an order ended without a sale. */
export const EndReason = z.enum([
  // The reservation was rejected.
  'SOLD_OUT',
  'EXPIRED',
  'NOT_ELIGIBLE',
  'BUSY',
  // The order was cancelled: not paid in time, by its buyer, or by its saga.
  'UNPAID',
  'BUYER',
  'COUPON_REFUSED',
  'TOO_FEW_POINTS',
  'NOT_COMPLETED',
  // The order was refunded.
  'VETOED',
])
export type EndReason = z.infer<typeof EndReason>
