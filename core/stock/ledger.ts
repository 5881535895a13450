import type { EndReason } from '../contracts/end-reason.ts'

/** What the Redis ledger says, as types, and how its strings are read. */

/** How long the data of a sale stays in Redis after its end. */
export const KEPT_AFTER_END_MS = 24 * 3_600_000

/** A token bucket: `ratePerSecond` in the long run, `burst` at once. */
export interface Bucket {
  ratePerSecond: number
  burst: number
}

/** What a buyer may want beside the units. */
export interface Wishes {
  couponCode?: string
  points?: number
}

export interface ReserveRequest {
  reservationId: string
  buyerId: string
  address: string
  quantity: number
  /** Absent in a plain purchase, which is nearly every one: it then costs nothing. */
  wishes?: Wishes | undefined
}

export interface ReserveLimits {
  buyer: Bucket
  address: Bucket
  /** Of all buyers together, in all gateways; absent, there is no such limit, and it costs nothing. */
  everybody?: Bucket | undefined
  /** Reservations that may wait for the broker's confirm; more are BUSY. */
  maxPending: number
  /** How long the callers wait for the answer; a script that runs later takes nothing. */
  patienceMs: number
}

export type ReserveOutcome =
  | { status: 'RESERVED'; reservedAtMs: number; pendingEntry: string }
  | { status: 'DUPLICATE'; reservationId: string }
  | { status: 'SOLD_OUT'; left: number }
  | { status: 'RATE_LIMITED' | 'CROWDED'; retryAfterMs: number }
  | { status: 'NOT_STARTED'; nowMs: number; opensAtMs: number }
  | { status: 'ENDED'; nowMs: number }
  | { status: 'OVER_LIMIT'; perBuyerLimit: number }
  | { status: 'BLACKLISTED' | 'BUSY' | 'UNAVAILABLE' }

export type ReleaseOutcome = 'RELEASED' | 'CLAIMED' | 'NOTHING' | 'CLOSED'

/** Names one reservation, whose it is, and how many units it is about. */
export interface ReservationRef {
  saleId: string
  reservationId: string
  buyerId: string
  quantity: number
}

/** How a reservation ends without a sale. */
export interface Ending {
  status: 'REJECTED' | 'CANCELLED' | 'REFUNDED'
  /** Null of an order that an earlier release ended, which wrote none down. */
  reason: EndReason | null
  /** False when the database found that the unit never was there (Redis was too high). */
  giveBack: boolean
}

export interface PendingReservation extends ReservationRef, Wishes {
  entry: string
  epoch: number
  reservedAtMs: number
}

/** What is known of a sale before its door opens. */
export type ClosedSale = Omit<SaleFigures, 'left' | 'holderUnits'>

/**
 * Whether buyers can reserve: `CLOSED` while the sale is brought in, `LOST` when this server's copy of it may be an old
 * one.
 */
export interface Door {
  state: 'OPEN' | 'CLOSED' | 'LOST'
  epoch: number
  /** Reservations that were filled in since the door was closed. */
  refilled: number
}

/** A reservation as the database knows it. */
export interface DecidedReservation extends ReservationRef {
  status: 'ORDERED' | 'PAID' | 'CANCELLED' | 'REFUNDED' | 'REJECTED'
  reason: EndReason | null
  orderId: string | null
  reservedAtMs: number
}

/** What the reconciler compares, of one instant. */
export interface StockTally {
  left: number
  /** At most so many units are neither order nor rejected. */
  undecidedMax: number
  /** Buyers on the sale's blacklist. */
  blacklisted: number
  /** What Redis says the sale is. */
  figures: SaleFigures
}

export interface SaleFigures {
  saleId: string
  epoch: number
  title: string
  priceCents: number
  total: number
  left: number
  perBuyerLimit: number
  opensAtMs: number
  closesAtMs: number
  /** Units that the holders' bits are laid out for; absent while that is the total. */
  holderUnits?: number
}

export interface ReservationRecord {
  status: 'RESERVED' | 'ORDERED' | 'PAID' | 'CANCELLED' | 'REFUNDED' | 'REJECTED'
  buyerId: string
  quantity: number
  epoch: number
  reservedAtMs: number
  reason?: EndReason
  orderId?: string
  wishes?: Wishes
}

/** What reserve.lua returns for one reservation. */
export type ReserveAnswer = [status: ReserveOutcome['status'], first?: string, second?: string]

export function reserveOutcome([status, first, second]: ReserveAnswer): ReserveOutcome {
  switch (status) {
    case 'RESERVED':
      return { status, reservedAtMs: Number(first), pendingEntry: String(second) }
    case 'DUPLICATE':
      return { status, reservationId: String(first) }
    case 'SOLD_OUT':
      return { status, left: Number(first) }
    case 'RATE_LIMITED':
    case 'CROWDED':
      return { status, retryAfterMs: Number(first) }
    case 'NOT_STARTED':
      return { status, nowMs: Number(first), opensAtMs: Number(second) }
    case 'ENDED':
      return { status, nowMs: Number(first) }
    case 'OVER_LIMIT':
      return { status, perBuyerLimit: Number(first) }
    default:
      return { status }
  }
}

/** Undefined when Redis has nothing of that sale. */
export function saleFigures(saleId: string, hash: Record<string, string>): SaleFigures | undefined {
  if (hash.epoch === undefined) return undefined
  return {
    saleId,
    epoch: Number(hash.epoch),
    title: hash.title ?? '',
    priceCents: Number(hash.price_cents),
    total: Number(hash.total),
    left: Number(hash.stock),
    perBuyerLimit: Number(hash.per_buyer_limit),
    opensAtMs: Number(hash.opens_at_ms),
    closesAtMs: Number(hash.closes_at_ms),
    ...(hash.holder_units ? { holderUnits: Number(hash.holder_units) } : {}),
  }
}

/** The figures in which Redis says something else of a sale than the database, by name. */
export function differingFigures(redis: ClosedSale, database: ClosedSale): (keyof ClosedSale)[] {
  const names = ['title', 'priceCents', 'total', 'perBuyerLimit', 'opensAtMs', 'closesAtMs'] as const
  return names.filter((name) => redis[name] !== database[name])
}

/** A reservation's id begins with its sale's, which is also the hash tag of its key. */
export const saleOf = (reservationId: string) => reservationId.slice(0, reservationId.lastIndexOf('.'))

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
  }
}
