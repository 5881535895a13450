import type { EndReason } from '../contracts/end-reason.ts'
import type { BuyerClaims } from '../contracts/limit-per-buyer.ts'
import type { Reservation } from '../contracts/messages.ts'

/** A reservation's id begins with its sale's, which is also the hash tag of its key. */
export const saleOf = (reservationId: string) => reservationId.slice(0, reservationId.lastIndexOf('.'))

/** Names one reservation, its buyer, and how many units it is about. */
export interface ReservationRef {
  saleId: string
  reservationId: string
  buyerId: string
  quantity: number
}

/** What a buyer may want beside the units. */
export interface Wishes {
  couponCode?: string
  points?: number
}

/** A reservation whose message the broker has not confirmed, with the id of its entry in the pending stream. */
export interface PendingReservation extends Reservation {
  entry: string
}

/** A reservation as Redis knows it. */
export interface ReservationRecord {
  status: 'RESERVED' | 'ORDERED' | 'PAID' | 'CANCELLED' | 'REFUNDED' | 'REJECTED'
  buyerId: string
  quantity: number
  epoch: number
  reservedAtMs: number
  reason?: EndReason
  orderId?: string
  wishes?: Wishes
  claims?: BuyerClaims
}

/** How a reservation ends without a sale. */
export interface Ending {
  status: 'REJECTED' | 'CANCELLED' | 'REFUNDED'
  /** Null of an order that an earlier release ended, which wrote none down. */
  reason: EndReason | null
  /** False when the database found that the unit never was there (Redis was too high). */
  giveBack: boolean
}

export type ReleaseOutcome = 'RELEASED' | 'CLAIMED' | 'NOTHING' | 'CLOSED'

/** Undefined when Redis has nothing of that reservation. */
export function reservationRecord(hash: Record<string, string>): ReservationRecord | undefined {
  if (hash.status === undefined) return undefined
  return {
    status: hash.status as ReservationRecord['status'],
    buyerId: hash.buyer_id ?? '',
    quantity: Number(hash.quantity),
    epoch: Number(hash.epoch),
    reservedAtMs: Number(hash.reserved_at_ms),
    ...(hash.reason ? { reason: hash.reason as EndReason } : {}),
    ...(hash.order_id ? { orderId: hash.order_id } : {}),
    ...(hash.wishes ? { wishes: JSON.parse(hash.wishes) as Wishes } : {}),
    ...(hash.claims ? { claims: JSON.parse(hash.claims) as BuyerClaims } : {}),
  }
}
