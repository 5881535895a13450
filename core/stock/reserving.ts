import type { BuyerClaims } from '../contracts/limit-per-buyer.ts'
import { localId, type ReservationRecord, reservationsOf, type Wishes, wishesText } from './reservation.ts'

/** A token bucket: `ratePerSecond` in the long run, `burst` at once. */
export interface Bucket {
  ratePerSecond: number
  burst: number
}

export interface ReserveLimits {
  buyer: Bucket
  address: Bucket
  /** Of all buyers of a sale together, in all gateways; absent, there is no such limit, and it costs nothing. */
  sale?: Bucket | undefined
  /** Reservations of a sale that may wait for the broker's confirm; more are BUSY. */
  maxPending: number
  /** How long the callers wait for the answer; a script that runs later takes nothing. */
  patienceMs: number
}

/**
 * A shard's part of the limits. An address may spend in each shard what one buyer may, who could be the only one behind
 * it.
 */
export function limitsOfShard(limits: ReserveLimits, shards: number): ReserveLimits {
  const { buyer, address, sale, maxPending } = limits
  const part = ({ ratePerSecond, burst }: Bucket, least: Bucket) => ({
    ratePerSecond: Math.min(ratePerSecond, Math.max(ratePerSecond / shards, least.ratePerSecond)),
    burst: Math.min(burst, Math.max(Math.floor(burst / shards), least.burst)),
  })
  return {
    ...limits,
    address: part(address, buyer),
    ...(sale && { sale: part(sale, { ratePerSecond: 0, burst: 1 }) }),
    maxPending: Math.max(1, Math.floor(maxPending / shards)),
  }
}

/**
 * How long a window of token buckets is, see reserve.lua. A power of two: gateways whose limits differ little share
 * it.
 */
export function windowMsOf({ buyer, address, sale }: ReserveLimits): number {
  const fillMs = [buyer, address, ...(sale ? [sale] : [])].map(
    ({ ratePerSecond, burst }) => (1_000 * burst) / ratePerSecond,
  )
  return 8 * 2 ** Math.ceil(Math.log2(Math.max(1_000, ...fillMs)))
}

export interface ReserveRequest {
  reservationId: string
  buyerId: string
  address: string
  quantity: number
  /** Units that this buyer may have in this sale. */
  limitPerBuyer: number
  /**
   * By which the client names this purchase among the buyer's of the sale; without one, it is the buyer's unnamed one.
   */
  key?: string | undefined
  /**
   * When the ticket was given that the purchase carries; absent where the sale asks for none. 0 in a draw, where any
   * order uses up the right to buy.
   */
  ticketGivenAtMs?: number | undefined
  /** Both are absent in nearly every purchase, and then cost nothing. */
  wishes?: Wishes | undefined
  claims?: BuyerClaims | undefined
}

export type ReserveOutcome =
  | { status: 'RESERVED'; reservedAtMs: number; pendingEntry: string }
  /**
   * The live reservation that the buyer has under that key; KEY_REUSED when it is about another quantity or other
   * wishes.
   */
  | { status: 'DUPLICATE' | 'KEY_REUSED'; reservation: ReservationRecord }
  | { status: 'SOLD_OUT'; left: number }
  | { status: 'RATE_LIMITED' | 'CROWDED'; retryAfterMs: number }
  /** The buyer has let too many orders lapse, and waits. */
  | { status: 'LAPSED'; retryAfterMs: number }
  | { status: 'NOT_STARTED'; nowMs: number; opensAtMs: number }
  | { status: 'ENDED'; nowMs: number }
  | { status: 'OVER_LIMIT'; limitPerBuyer: number; held: number }
  /** TOO_MANY: the buyer has as many live purchases as their record may hold. */
  | { status: 'BLACKLISTED' | 'TICKET_USED' | 'TOO_MANY' | 'BUSY' | 'UNAVAILABLE' | 'STOPPED' }
  /** Price or limit per buyer are others than the caller's, who has to read the sale again. */
  | { status: 'TERMS_CHANGED' }

/** The reservation's line in the book (book.lua has its fields) up to the time, which Redis adds, with the terms. */
export function newLine({ reservationId, quantity, key = '', wishes, claims }: ReserveRequest, epoch: number): string {
  const claimsText = claims ? JSON.stringify(claims) : ''
  return `${localId(reservationId)}\tRESERVED\t\t\t${quantity}\t${epoch}\t${key}\t${wishesText(wishes)}\t${claimsText}\t`
}

/** What reserve.lua returns for one purchase: the status, and for some a value or two, separated by tabs. */
export function reserveOutcome(
  ledger: string,
  { buyerId }: Pick<ReserveRequest, 'buyerId'>,
  answer: string,
): ReserveOutcome {
  const [status, first, second] = answer.split('\t') as [ReserveOutcome['status'], string?, string?]
  switch (status) {
    case 'RESERVED':
      return { status, reservedAtMs: Number(first), pendingEntry: String(first) }
    case 'DUPLICATE':
    case 'KEY_REUSED': {
      const [reservation] = reservationsOf(ledger, buyerId, answer.slice(status.length + 1))
      if (!reservation) throw new Error(`reserve.lua: expected a reservation with ${status}, got none`)
      return { status, reservation }
    }
    case 'SOLD_OUT':
      return { status, left: Number(first) }
    case 'RATE_LIMITED':
    case 'CROWDED':
    case 'LAPSED':
      return { status, retryAfterMs: Number(first) }
    case 'NOT_STARTED':
      return { status, nowMs: Number(first), opensAtMs: Number(second) }
    case 'ENDED':
      return { status, nowMs: Number(first) }
    case 'OVER_LIMIT':
      return { status, limitPerBuyer: Number(first), held: Number(second) }
    default:
      return { status }
  }
}
