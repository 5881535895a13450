import type { z } from 'zod'
import type { OrderView, PaymentView } from '../../core/contracts/orders.ts'
import type { ReservationRequest, ReservationView } from '../../core/contracts/purchases.ts'
import type { SaleList, SaleView } from '../../core/contracts/sales.ts'
import { createClock } from '../shared/clock.ts'

export type { PaymentView, SaleList, SaleView }

/** The server's own types, by the page's words: a change there that this page does not follow does not compile. */
export type Reservation = ReservationView
export type Order = OrderView
export type Reason = NonNullable<Reservation['reason']>
export type PurchaseRequest = z.input<typeof ReservationRequest>
/** What may be asked for beside the units. */
export type Extras = Pick<PurchaseRequest, 'coupon' | 'points'>

export const isFinal = ({ status }: Pick<Reservation, 'status'>) =>
  status === 'CANCELLED' || status === 'REJECTED' || status === 'REFUNDED'

/** Redis' clock, which opens and closes sales. */
export const saleClock = createClock()
/** PostgreSQL's, which ends unpaid orders. */
export const orderClock = createClock()
