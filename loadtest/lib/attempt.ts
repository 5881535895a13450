import type { Buyer } from './buyer.ts'
import { accepted, busy, duplicate, limited, limitReached, ordersOwed, soldOut, unexpected } from './counters.ts'
import { PER_BUYER_LIMIT } from './sale.ts'
import { type Answer, requestReservation } from './shop.ts'

/** The outcome of one attempt to buy. */
export type Attempt =
  | { outcome: 'ACCEPTED'; reservationId: string; acceptedAtMs: number }
  | { outcome: 'SOLD_OUT' | 'LIMITED' | 'BUSY' | 'UNEXPECTED' }

/** An attempt at a purchase that the buyer has not made yet, counted. By default it is their first. */
export function attempt(saleId: string, buyer: Buyer, key = buyer.id): Attempt {
  const outcome = judge(requestReservation(saleId, buyer, { key }))
  if (outcome.outcome === 'ACCEPTED') {
    accepted.add(1)
    ordersOwed.add(1)
  }
  return outcome
}

/** Repeats the request: the holder of a reservation must get the same one again. */
export function askAgain(saleId: string, buyer: Buyer, reservationId: string, key = buyer.id): void {
  const again = judge(requestReservation(saleId, buyer, { key }))
  if (again.outcome === 'ACCEPTED') isSame(again.reservationId, reservationId)
  else if (again.outcome === 'SOLD_OUT') report(`a repeat by the holder of ${reservationId} was answered SOLD_OUT`)
}

/** The holder of one unit buys more, each under a key of its own, and is refused one above the limit. */
export function buyUpToLimit(saleId: string, buyer: Buyer): void {
  for (let unit = 2; unit <= PER_BUYER_LIMIT; unit++) {
    const key = `${buyer.id}.${unit}`
    const more = attempt(saleId, buyer, key)
    if (more.outcome !== 'ACCEPTED') return
    askAgain(saleId, buyer, more.reservationId, key)
  }
  const beyond = requestReservation(saleId, buyer, { key: `${buyer.id}.beyond` })
  if (beyond.status === 409 && codeOf(beyond) === 'LIMIT_REACHED') return limitReached.add(1)
  const { outcome } = judge(beyond)
  if (outcome === 'ACCEPTED' || outcome === 'SOLD_OUT')
    report(`a buyer who holds ${PER_BUYER_LIMIT} units asked for one more and was answered ${outcome}`)
}

/** A repeated 202 is counted, and reported when it names another reservation than the first. */
export function isSame(reservationId: string, first: string): void {
  if (reservationId === first) duplicate.add(1)
  else report(`a repeat got reservation ${reservationId}, the first was ${first}`)
}

/**
 * The one table from HTTP answers to outcomes. Refusals are counted; any other answer is reported.
 */
export function judge(answer: Answer): Attempt {
  if (answer.status === 202)
    return { outcome: 'ACCEPTED', reservationId: String(answer.json('id')), acceptedAtMs: Date.now() }
  switch (`${answer.status} ${codeOf(answer)}`) {
    case '409 SOLD_OUT':
      soldOut.add(1)
      return { outcome: 'SOLD_OUT' }
    case '429 RATE_LIMITED':
      limited.add(1)
      return { outcome: 'LIMITED' }
    case '503 BUSY':
      busy.add(1)
      return { outcome: 'BUSY' }
    default:
      reportAnswer(answer)
      return { outcome: 'UNEXPECTED' }
  }
}

/** The stable `code` of a problem document; empty when there is none. */
export function codeOf(answer: Answer): string {
  try {
    return String(answer.json('code') ?? '')
  } catch {
    return '' // Not JSON.
  }
}

export function reportAnswer({ request, status, error, body }: Answer): void {
  if (error.includes('context canceled')) return // k6 itself ends the run.
  report(`${request.method} ${request.url} answered ${status} ${error || (body ?? '').slice(0, 300)}`)
}

/** Each VU shows its first one only: a system that is down would fill the screen. */
let hasReported = false

export function report(what: string): void {
  unexpected.add(1)
  if (!hasReported) console.error(`Unexpected: ${what}`)
  hasReported = true
}
