import type { RejectionReason } from '../../prisma/generated/client.ts'
import type { Reservation } from '../contracts/messages.ts'

/** What the database says about a batch of reservations, read under the lock of their sales. */
export interface Facts {
  /** The database's clock, ms since 1970. */
  nowMs: number
  /** Units left per sale (stock - sold); a sale that is not there does not exist. */
  room: Map<string, number>
  /** Of one unit, by sale. */
  priceCents: Map<string, number>
  /** Of each sale: reservations of an earlier epoch are too late, because Redis has been rebuilt without them. */
  fencedEpoch: Map<string, number>
  /** Reservations that were decided before, and how. */
  decided: Map<string, Decision>
  blacklist: Set<string>
  /** `saleId/buyerId` of everyone who has a live order. */
  liveBuyers: Set<string>
}

export type Decision = { outcome: 'ORDERED'; orderId: string } | { outcome: 'REJECTED'; reason: RejectionReason }

export interface Verdict {
  reservation: Reservation
  decision: Decision
  /** False when an earlier delivery of the same reservation was decided already. */
  isNew: boolean
  /** The order was paid as it was placed, since nothing was to be paid. */
  isPaid?: boolean
}

export const buyerOfSale = (saleId: string, buyerId: string) => `${saleId}/${buyerId}`

/** Decides each reservation in turn, as if they came one by one; pure, so that every rule stands in one place. */
export function decide(
  reservations: Reservation[],
  facts: Facts,
  lifetimeMs: number,
  newOrderId: () => string,
): Verdict[] {
  const room = new Map(facts.room)
  const decided = new Map(facts.decided)
  const liveBuyers = new Set(facts.liveBuyers)

  return reservations.map((reservation) => {
    const earlier = decided.get(reservation.reservationId)
    if (earlier) return { reservation, decision: earlier, isNew: false }

    const { saleId, buyerId, quantity } = reservation
    const reason = refusal()
    const decision: Decision = reason ? { outcome: 'REJECTED', reason } : { outcome: 'ORDERED', orderId: newOrderId() }
    decided.set(reservation.reservationId, decision)
    if (decision.outcome === 'ORDERED') {
      room.set(saleId, (room.get(saleId) ?? 0) - quantity)
      liveBuyers.add(buyerOfSale(saleId, buyerId))
    }
    return { reservation, decision, isNew: true }

    function refusal(): RejectionReason | undefined {
      if (facts.nowMs - reservation.reservedAtMs > lifetimeMs) return 'EXPIRED'
      if (reservation.epoch < (facts.fencedEpoch.get(saleId) ?? 0)) return 'EXPIRED'
      if (facts.blacklist.has(buyerId) || liveBuyers.has(buyerOfSale(saleId, buyerId))) return 'NOT_ELIGIBLE'
      return (room.get(saleId) ?? 0) < quantity ? 'SOLD_OUT' : undefined
    }
  })
}
