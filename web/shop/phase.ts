import type { Order, Reason, Reservation } from './contract.ts'

/** Where a purchase stands, as its buyer sees it. */
export type Phase = 'IDLE' | 'MAKING' | 'CHECKING' | 'TO_PAY' | 'PAID' | 'CANCELLED' | 'REJECTED' | 'REFUNDED'

/** The reservation is pushed, the order is asked for: either may be the newer one, and both only ever move on. */
export function phaseOf(reservation: Reservation | undefined, order: Order | undefined): Phase {
  if (!reservation) return 'IDLE'
  if (reservation.status === 'REJECTED') return 'REJECTED'
  if (reservation.status === 'REFUNDED' || order?.status === 'REFUNDED') return 'REFUNDED'
  if (reservation.status === 'CANCELLED' || order?.status === 'CANCELLED') return 'CANCELLED'
  if (reservation.status === 'PAID' || order?.status === 'PAID') return 'PAID'
  // What there is to pay stands in the order.
  if (reservation.status === 'RESERVED' || !order) return 'MAKING'
  return order.saga?.state === 'RUNNING' || order.saga?.state === 'COMPENSATING' ? 'CHECKING' : 'TO_PAY'
}

export const isEnded = (phase: Phase) => phase === 'CANCELLED' || phase === 'REJECTED' || phase === 'REFUNDED'

/** A buyer who was refused or vetoed is not invited to try again; the button stays, since that may change. */
export const mayBuyAgain = (phase: Phase, reason: Reason | undefined) =>
  isEnded(phase) && reason !== 'VETOED' && reason !== 'NOT_ELIGIBLE'
