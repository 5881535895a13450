import type { EndReason } from '../contracts/end-reason.ts'
import type { ReservationRef } from './reservation.ts'
import type { SaleFigures } from './sale-figures.ts'

/** What is known of a sale before it opens. */
export type ClosedSale = Omit<SaleFigures, 'left' | 'holderUnits' | 'largestQuantity'>

/**
 * Whether buyers can reserve: `CLOSED` while the sale is loaded, `LOST` when this server's copy of it may be an old
 * one.
 */
export interface SaleState {
  state: 'OPEN' | 'CLOSED' | 'LOST'
  epoch: number
  /** Reservations that were filled in since the sale was closed. */
  refilled: number
}

/** What the reconciler compares, of one instant. */
export interface StockTally {
  left: number
  /** Upper bound of the units that are neither ordered nor rejected. */
  undecidedMax: number
  /** Buyers on the sale's blacklist. */
  blacklisted: number
  /** What Redis says the sale is. */
  figures: SaleFigures
}

/** A reservation as the database knows it. */
export interface DecidedReservation extends ReservationRef {
  status: 'ORDERED' | 'PAID' | 'CANCELLED' | 'REFUNDED' | 'REJECTED'
  reason: EndReason | null
  orderId: string | null
  reservedAtMs: number
  /** By which the client names the purchase. */
  key: string | null
  couponCode: string | null
  points: number | null
}

/** The figures in which Redis says something else of a sale than the database, by name. */
export function differingFigures(redis: ClosedSale, database: ClosedSale): (keyof ClosedSale)[] {
  const names = ['title', 'priceCents', 'total', 'perBuyerLimit', 'opensAtMs', 'closesAtMs'] as const
  return names.filter((name) => redis[name] !== database[name])
}
