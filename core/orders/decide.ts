import type { RejectionReason } from '../../prisma/generated/client.ts'
import { ledgerOf } from '../stock/reservation.ts'
import { shardOfLedger } from '../stock/shards.ts'
import { limitPerBuyer, type SaleTerms } from '../contracts/limit-per-buyer.ts'
import type { Reservation } from '../contracts/messages.ts'
import { orderIdOf } from '../contracts/order-id.ts'

/** What the database says about a batch of reservations, read under the lock of their sales. */
export interface Facts {
  /** The database's clock, ms since 1970. */
  nowMs: number
  /** By id; a sale that is missing does not exist. */
  sales: Map<string, SaleFacts>
  /** Reservations that were decided before, and how. */
  decided: Map<string, Decision>
  blacklist: Set<string>
  /** Units in the live orders of each buyer, by `buyerOfSale`; absent when there are none. */
  liveUnits: Map<string, number>
}

export interface SaleFacts extends SaleTerms {
  /** Those before each change of them: a reservation keeps the terms it was made under. */
  earlierTerms: SaleTerms[]
  /** Units left: stock - sold. */
  room: number
  /** Units of all its orders so far, ended ones too; only grows. */
  orderedUnits: number
  /** Reservations of an earlier epoch are too late, because Redis has been rebuilt without them. */
  fencedEpoch: number
  /** The same for each shard; empty while the former holds for all. */
  shardFences: number[]
}

export type Decision = { outcome: 'ORDERED'; orderId: string } | { outcome: 'REJECTED'; reason: RejectionReason }

export interface Verdict {
  reservation: Reservation
  decision: Decision
  /** False when an earlier delivery of the same reservation was decided already. */
  isNew: boolean
  /** Units that its buyer was allowed; absent when the sale does not exist or the decision is an earlier one. */
  limitPerBuyer?: number
  /** Price of one unit that its reservation was made under; absent when there are no such terms. */
  priceCents?: number
  /** The order is paid as it is placed, because it costs nothing; with wishes its saga makes the price first. */
  isPaid?: boolean
}

export const buyerOfSale = (saleId: string, buyerId: string) => `${saleId}/${buyerId}`

/**
 * Decides each reservation in turn, as if they came one by one. Pure. It checks every rule again: no message may
 * become an order against the rules, also one that no gateway would publish.
 */
export function decide(reservations: Reservation[], facts: Facts, lifetimeMs: number): Verdict[] {
  const room = new Map([...facts.sales].map(([saleId, sale]) => [saleId, sale.room]))
  const decided = new Map(facts.decided)
  const liveUnits = new Map(facts.liveUnits)

  return reservations.map((reservation) => {
    const { reservationId, saleId, buyerId, claims = {}, quantity, couponCode, points } = reservation
    const earlier = decided.get(reservationId)
    if (earlier) return { reservation, decision: earlier, isNew: false }

    const buyer = buyerOfSale(saleId, buyerId)
    const live = liveUnits.get(buyer) ?? 0
    const sale = facts.sales.get(saleId)
    const terms = sale && termsOf(sale, reservation)
    const limit = terms && limitPerBuyer(terms, { id: buyerId, claims })
    const reason = refusal()
    const decision: Decision = reason
      ? { outcome: 'REJECTED', reason }
      : { outcome: 'ORDERED', orderId: orderIdOf(reservationId) }
    decided.set(reservationId, decision)
    if (decision.outcome === 'ORDERED') {
      room.set(saleId, (room.get(saleId) ?? 0) - quantity)
      liveUnits.set(buyer, live + quantity)
    }
    const isPaid = decision.outcome === 'ORDERED' && terms?.priceCents === 0 && !couponCode && !points
    return {
      reservation,
      decision,
      isNew: true,
      ...(limit !== undefined && { limitPerBuyer: limit }),
      ...(terms && { priceCents: terms.priceCents }),
      ...(isPaid && { isPaid }),
    }

    function refusal(): RejectionReason | undefined {
      if (facts.nowMs - reservation.reservedAtMs > lifetimeMs) return 'EXPIRED'
      if (sale && reservation.epoch < fenceOf(sale, reservation)) return 'EXPIRED'
      if (facts.blacklist.has(buyerId)) return 'NOT_ELIGIBLE'
      // Of terms that the sale never had: no gateway would send it.
      if (sale && !terms) return 'NOT_ELIGIBLE'
      if (limit !== undefined && live + quantity > limit) return 'NOT_ELIGIBLE'
      return (room.get(saleId) ?? 0) < quantity ? 'SOLD_OUT' : undefined
    }
  })
}

/** Undefined when the sale never had terms of that number. */
function termsOf(sale: SaleFacts, { terms = 0 }: Reservation): SaleTerms | undefined {
  return terms === sale.earlierTerms.length ? sale : sale.earlierTerms[terms]
}

/** Reservations of an earlier epoch in the same shard are too late. */
function fenceOf({ fencedEpoch, shardFences }: SaleFacts, { reservationId }: Reservation): number {
  if (shardFences.length === 0) return fencedEpoch
  return shardFences[shardOfLedger(ledgerOf(reservationId))] ?? fencedEpoch
}
