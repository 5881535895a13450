import { createHmac, createSecretKey, hkdfSync, timingSafeEqual } from 'node:crypto'

/** What a ticket is for: one purchase of one buyer in one sale. */
export interface TicketFor {
  saleId: string
  buyerId: string
  /** The `Idempotency-Key` of the purchase; undefined is the buyer's unnamed one. */
  key: string | undefined
}

export type TicketFault = 'TICKET_REQUIRED' | 'TICKET_INVALID' | 'TICKET_OF_ANOTHER' | 'TICKET_EXPIRED'

export interface Tickets {
  give: (purchase: TicketFor, givenAtMs: number, expiresAtMs: number) => string
  /** When it was given, if it is valid for that purchase. It takes some µs and asks no other server. */
  check: (ticket: string | undefined, purchase: TicketFor, nowMs: number) => { givenAtMs: number } | TicketFault
}

/** Longer than any of ours: a buyer's id has up to 255 characters of up to 4 bytes. */
const LENGTH_MAX = 2_048

/** A key of its own for each purpose: what one of them signs is never valid as another. */
export const keyFor = (purpose: string, secret: string): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, '', `seckill ${purpose}`, 32))

/**
 * Signed tickets. Any gateway verifies the tickets of all others by itself, also after Redis was lost. A ticket is
 * bound to its purchase and not counted: sent again, it is a repeat of the same purchase, which gets the same
 * reservation. Whether that reservation has ended, reserve.lua knows, by the time at which the ticket was given.
 */
export function createTickets(secret: string, purpose = 'tickets'): Tickets {
  const key = createSecretKey(keyFor(purpose, secret))
  const sign = (claims: string) => createHmac('sha256', key).update(claims).digest('base64url')
  return {
    give(purchase, givenAtMs, expiresAtMs) {
      const claims = `${subjectOf(purchase)}.${givenAtMs.toString(36)}.${expiresAtMs.toString(36)}`
      return `${claims}.${sign(claims)}`
    },
    check(ticket, purchase, nowMs) {
      if (ticket === undefined) return 'TICKET_REQUIRED'
      const end = ticket.lastIndexOf('.')
      if (ticket.length > LENGTH_MAX || end < 0) return 'TICKET_INVALID'
      const claims = ticket.slice(0, end)
      if (!isSame(ticket.slice(end + 1), sign(claims))) return 'TICKET_INVALID'
      const subject = `${subjectOf(purchase)}.`
      if (!claims.startsWith(subject)) return 'TICKET_OF_ANOTHER'
      const [givenAt = '', expiresAt = ''] = claims.slice(subject.length).split('.')
      if (parseInt(expiresAt, 36) <= nowMs) return 'TICKET_EXPIRED'
      return { givenAtMs: parseInt(givenAt, 36) }
    },
  }
}

/** In base64url, which has no dot. */
export const subjectOf = ({ saleId, buyerId, key = '' }: TicketFor) =>
  `${saleId}.${Buffer.from(buyerId).toString('base64url')}.${Buffer.from(key).toString('base64url')}`

function isSame(one: string, other: string): boolean {
  const [bytes, otherBytes] = [Buffer.from(one), Buffer.from(other)]
  return bytes.length === otherBytes.length && timingSafeEqual(bytes, otherBytes)
}
