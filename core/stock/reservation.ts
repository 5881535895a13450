import type { EndReason } from '../contracts/end-reason.ts'
import { orderIdOf } from '../contracts/order-id.ts'
import type { BuyerClaims } from '../contracts/limit-per-buyer.ts'
import type { Reservation } from '../contracts/messages.ts'
import { saleOf } from './shards.ts'

/** A reservation's id begins with the name of its ledger, which is also the hash tag of the ledger's keys. */
export const ledgerOf = (reservationId: string) => reservationId.slice(0, reservationId.lastIndexOf('.'))

/** The rest of its id, by which the ledger names it. */
export const localId = (reservationId: string) => reservationId.slice(reservationId.lastIndexOf('.') + 1)

/** Names one reservation: the ledger finds it by its buyer. */
export interface ReservationName {
  reservationId: string
  buyerId: string
}

/** The same, with how many units it is about. */
export interface ReservationRef extends ReservationName {
  saleId: string
  quantity: number
}

/** What a buyer may want beside the units. */
export interface Wishes {
  couponCode?: string
  points?: number
}

/** Undefined when there are none; no points are no wish. */
export function wishesOf(couponCode: string | null | undefined, points: number | null | undefined): Wishes | undefined {
  if (!couponCode && !points) return undefined
  return { ...(couponCode && { couponCode }), ...(points && { points }) }
}

/** As the ledger has them; equal wishes are equal texts. */
export const wishesText = (wishes: Wishes | undefined) => (wishes ? JSON.stringify(wishes) : '')

/** A reservation whose message the broker has not confirmed, with the time of its pending entry. */
export interface PendingReservation extends Reservation {
  entry: string
}

/** A reservation as Redis knows it. */
export interface ReservationRecord extends ReservationName {
  status: 'RESERVED' | 'ORDERED' | 'PAID' | 'CANCELLED' | 'REFUNDED' | 'REJECTED'
  quantity: number
  epoch: number
  reservedAtMs: number
  /** By which the client names this purchase, see `ReserveRequest`. */
  key?: string
  reason?: EndReason
  orderId?: string
  wishes?: Wishes
  claims?: BuyerClaims
  /** Number of the sale's terms that it was made under; absent for the first. */
  terms?: number
}

export function pendingOf(record: ReservationRecord, entry: string): PendingReservation {
  const { reservationId, buyerId, quantity, epoch, reservedAtMs, key, wishes, claims, terms } = record
  return {
    entry,
    reservationId,
    saleId: saleOf(reservationId),
    buyerId,
    quantity,
    epoch,
    reservedAtMs,
    ...(key !== undefined && { key }),
    ...wishes,
    ...(claims && { claims }),
    ...(terms !== undefined && { terms }),
  }
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

/**
 * The reservations in a buyer's record of the book (book.lua has the form), oldest first, without what settle.lua
 * notes.
 */
export function reservationsOf(
  ledger: string,
  buyerId: string,
  record: string | null | undefined,
): ReservationRecord[] {
  if (!record) return []
  return record.split('\n').map((line) => {
    const [id, status, notedId, reason, quantity, epoch, key, wishes, claims, reservedAtMs, terms] = line.split('\t')
    const reservationId = `${ledger}.${id}`
    const isOrder = status !== 'RESERVED' && status !== 'REJECTED'
    const orderId = notedId || (isOrder ? orderIdOf(reservationId) : undefined)
    return {
      reservationId,
      status: status as ReservationRecord['status'],
      buyerId,
      quantity: Number(quantity),
      epoch: Number(epoch),
      reservedAtMs: Number(reservedAtMs),
      ...(key ? { key } : {}),
      ...(reason ? { reason: reason as EndReason } : {}),
      ...(orderId ? { orderId } : {}),
      ...(wishes ? { wishes: JSON.parse(wishes) as Wishes } : {}),
      ...(claims ? { claims: JSON.parse(claims) as BuyerClaims } : {}),
      ...(terms ? { terms: Number(terms) } : {}),
    }
  })
}

/**
 * What settle.lua notes of a reservation that became an order: the order's status and, unless it follows from the
 * reservation, its id.
 */
export const orderNote = (
  status: 'ORDERED' | 'PAID',
  { reservationId, orderId }: { reservationId: string; orderId: string },
) => (orderId === orderIdOf(reservationId) ? status : `${status}\t${orderId}`)

/** A reservation of the book with that note, unless the book says that it has ended. */
export function withOrder(record: ReservationRecord, note: string | null | undefined): ReservationRecord {
  if (!note || (record.status !== 'RESERVED' && record.status !== 'ORDERED')) return record
  const [status, orderId = orderIdOf(record.reservationId)] = note.split('\t')
  return { ...record, status: status as ReservationRecord['status'], orderId }
}

/** A reservation's name as a member of the ledger's sorted sets. */
export const memberOf = ({ reservationId, buyerId }: ReservationName) => `${localId(reservationId)} ${buyerId}`

export function readMember(ledger: string, member: string): ReservationName {
  const end = member.indexOf(' ')
  return { reservationId: `${ledger}.${member.slice(0, end)}`, buyerId: member.slice(end + 1) }
}
