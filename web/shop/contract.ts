import type { OrderView, PaymentView, ReservationView, SaleView } from '../../core/contracts/http.ts'
import { createClock } from '../shared/clock.ts'

export type { PaymentView, SaleView }

/** How buying goes with a coupon, points, and a risk control that may take an order back. */
export type Reservation = Omit<ReservationView, 'status' | 'reason'> & {
  status: ReservationView['status'] | 'REFUNDED'
  reason?: ReservationView['reason'] | 'COUPON_REFUSED' | 'TOO_FEW_POINTS' | 'NOT_COMPLETED' | 'VETOED'
}
export type Reason = NonNullable<Reservation['reason']>

export type Order = OrderView & {
  couponCode?: string
  points?: number
  refundedAt?: string
  saga?: { state: 'RUNNING' | 'DONE' | 'COMPENSATING' | 'COMPENSATED'; reason?: string }
}

/** What may be asked for beside the unit. */
export interface Extras {
  coupon?: string
  points?: number
}

export const isFinal = ({ status }: Pick<Reservation, 'status'>) => status === 'CANCELLED' || status === 'REJECTED' || status === 'REFUNDED'

/** Redis' clock, which opens and closes sales. */
export const saleClock = createClock()
/** PostgreSQL's, which ends unpaid orders. */
export const orderClock = createClock()
