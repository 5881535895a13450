import { z } from 'zod'

/** Why a reservation or an order ended without a sale. */
export const EndReason = z.enum([
  // It became no order.
  'SOLD_OUT',
  'EXPIRED',
  'NOT_ELIGIBLE',
  'BUSY',
  // Its order was cancelled: not paid in time, at its buyer's wish, or by its saga.
  'UNPAID',
  'BUYER',
  'COUPON_REFUSED',
  'TOO_FEW_POINTS',
  'NOT_COMPLETED',
  // Its order was refunded.
  'VETOED',
])
export type EndReason = z.infer<typeof EndReason>
