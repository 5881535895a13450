import type { ServerResponse } from 'node:http'
import type { ReservationView } from '../core/contracts/purchases.ts'
import type { ProblemCode } from '../core/contracts/problems.ts'
import { type Extras, type HeaderList, preparedProblem, sendJson, sendProblem } from '../core/platform/http/problem.ts'
import { PRIVATE_HEADERS } from '../core/platform/http/security-headers.ts'
import type { ReservationRecord } from '../core/stock/reservation.ts'
import type { ReserveOutcome } from '../core/stock/reserving.ts'
import { saleOf } from '../core/stock/shards.ts'
import type { Waited } from './await-result.ts'
import type { AdmissionFault } from './waiting-room/admissions.ts'
import type { TicketFault } from './opening/tickets.ts'

const BUSY_RETRY_SECONDS = 2
const STOPPED_RETRY_SECONDS = 5
const JSON_TYPE = 'application/json; charset=utf-8'

/** The outcome of an attempt to buy. */
export type BuyOutcome =
  | { status: 'ACCEPTED'; reservation: ReservationRecord }
  | { status: 'UNAUTHENTICATED'; fault: string }
  | { status: 'NO_SUCH_SALE' }
  | { status: AdmissionFault | 'ADMISSION_USED' }
  | { status: TicketFault }
  | Exclude<ReserveOutcome, { status: 'RESERVED' } | { status: 'TERMS_CHANGED' }>

/** Maps outcomes of a purchase to HTTP answers; the only place that does. */
export function answerBuyer(res: ServerResponse, outcome: BuyOutcome, waited?: Waited): void {
  const problem = (code: ProblemCode, detail: string, extras?: Extras) =>
    sendProblem(res, code, detail, extras, PRIVATE_HEADERS)
  switch (outcome.status) {
    case 'ACCEPTED':
    case 'DUPLICATE':
      if (waited) return answerWaited(res, waited)
      return accepted(res, reservationView(outcome.reservation))
    case 'KEY_REUSED':
      return problem('KEY_REUSED', keyReused(outcome.reservation), {
        reservation: reservationView(outcome.reservation),
      })
    case 'SOLD_OUT':
      return outcome.left > 0 ? problem('SOLD_OUT', `Only ${outcome.left} left; ask for fewer.`) : refuseSoldOut(res)
    case 'CROWDED':
      return refuseCrowded(res, outcome.retryAfterMs / 1_000)
    case 'RATE_LIMITED':
      return refuseLimited(res, outcome.retryAfterMs / 1_000)
    case 'UNAUTHENTICATED':
      return problem('UNAUTHENTICATED', outcome.fault)
    case 'NOT_STARTED':
      return problem('NOT_STARTED', `The sale opens at ${new Date(outcome.opensAtMs).toISOString()}.`, {
        serverTime: new Date(outcome.nowMs).toISOString(),
        retryAfterSeconds: (outcome.opensAtMs - outcome.nowMs) / 1_000,
      })
    case 'ENDED':
      return problem('ENDED', 'The sale is over.', { serverTime: new Date(outcome.nowMs).toISOString() })
    case 'STOPPED':
      return problem('STOPPED', 'The shop has stopped the sale for the moment; what is reserved stays reserved.', {
        retryAfterSeconds: STOPPED_RETRY_SECONDS,
      })
    case 'ADMISSION_REQUIRED':
    case 'ADMISSION_INVALID':
    case 'ADMISSION_OF_ANOTHER':
    case 'ADMISSION_EXPIRED':
      return problem(outcome.status, ADMISSION_ADVICE)
    case 'ADMISSION_USED':
      return problem('ADMISSION_USED', 'Your order of this draw has ended, and its unit goes to the next.')
    case 'TICKET_REQUIRED':
      return problem('TICKET_REQUIRED', 'Send a ticket as Seckill-Ticket; POST /sales/:saleId/tickets gives one.')
    case 'TICKET_INVALID':
      return problem('TICKET_INVALID', 'The ticket was not given by this shop, or was altered; fetch a new one.')
    case 'TICKET_OF_ANOTHER':
      return problem('TICKET_OF_ANOTHER', `The ticket was given ${FOR_ONE_PURCHASE}; fetch one for this purchase.`)
    case 'TICKET_EXPIRED':
      return problem('TICKET_EXPIRED', 'The ticket has expired; fetch a new one.')
    case 'TICKET_USED':
      return problem('TICKET_USED', 'The order of this ticket has ended; fetch a new ticket to buy again.')
    case 'LAPSED':
      return problem('LAPSED', 'You let several orders of this sale lapse; wait before the next purchase.', {
        retryAfterSeconds: outcome.retryAfterMs / 1_000,
      })
    case 'BLACKLISTED':
      return problem('NOT_ELIGIBLE', 'This account cannot take part; ask the shop why.')
    case 'OVER_LIMIT':
      if (outcome.limitPerBuyer === 0) return problem('NOT_ELIGIBLE', 'This account may not buy in this sale.')
      if (outcome.held > 0) return problem('LIMIT_REACHED', limitReached(outcome))
      return problem('INVALID_REQUEST', `quantity: expected at most ${outcome.limitPerBuyer}, the limit per buyer`, {
        errors: [{ path: 'quantity', message: `expected at most ${outcome.limitPerBuyer}` }],
      })
    case 'TOO_MANY':
      return problem('LIMIT_REACHED', 'You have too many purchases in this sale; buy more units in one.')
    case 'BUSY':
      return problem('BUSY', 'The queue is full; nothing was reserved. Try again in a moment.', {
        retryAfterSeconds: BUSY_RETRY_SECONDS,
      })
    case 'UNAVAILABLE':
      return problem('UNAVAILABLE', 'The sale cannot be reached right now; try again in a moment.', {
        retryAfterSeconds: BUSY_RETRY_SECONDS,
      })
    case 'NO_SUCH_SALE':
      return problem('NOT_FOUND', 'There is no such sale.')
  }
}

/** By far the most frequent answers. */
const refuseSoldOut = preparedProblem(
  'SOLD_OUT',
  'Every unit is taken. Units of unpaid orders come back: watch the sale and try again.',
  PRIVATE_HEADERS,
)
const refuseLimited = preparedProblem('RATE_LIMITED', 'Too many attempts; wait before the next.', PRIVATE_HEADERS)
const refuseCrowded = preparedProblem(
  'RATE_LIMITED',
  'The sale has more attempts than it can take; wait before the next.',
  PRIVATE_HEADERS,
)

const ADMISSION_ADVICE =
  'Take a place in the waiting room with POST /sales/:saleId/place, wait until its state is ADMITTED, and send its ' +
  '"admission" as Seckill-Admission with your purchase, before admittedUntil.'

const FOR_ONE_PURCHASE = 'to another buyer, for another sale or under another Idempotency-Key'

const limitReached = ({ held, limitPerBuyer }: { held: number; limitPerBuyer: number }) =>
  `You hold ${held} of the ${limitPerBuyer} units that you may have in this sale` +
  (held < limitPerBuyer ? `; ask for at most ${limitPerBuyer - held}.` : '.')

const keyReused = ({ key, quantity }: ReservationRecord) =>
  `${key === undefined ? 'Without an Idempotency-Key' : 'Under this Idempotency-Key'} you already hold ${quantity} ` +
  `unit${quantity === 1 ? '' : 's'}; send the same request to see it again, or another key to buy more.`

/** A reservation as its buyer sees it. */
export function reservationView(record: ReservationRecord): ReservationView {
  return {
    id: record.reservationId,
    saleId: saleOf(record.reservationId),
    status: record.status,
    quantity: record.quantity,
    ...(record.wishes?.couponCode !== undefined ? { coupon: record.wishes.couponCode } : {}),
    ...(record.wishes?.points !== undefined ? { points: record.wishes.points } : {}),
    ...(record.reason ? { reason: record.reason } : {}),
    ...(record.orderId ? { orderId: record.orderId } : {}),
  }
}

/** 202 as without waiting while it is undecided, else 200 with the decision. */
function answerWaited(res: ServerResponse, { record, waitSeconds }: Waited): void {
  const applied = [...PRIVATE_HEADERS, 'Preference-Applied', `wait=${waitSeconds}`]
  const body = reservationView(record)
  if (record.status === 'RESERVED') accepted(res, body, applied)
  else sendJson(res, 200, body, ['Content-Type', JSON_TYPE, 'Content-Location', `/reservations/${body.id}`, ...applied])
}

function accepted(res: ServerResponse, body: ReservationView, headers: HeaderList = PRIVATE_HEADERS): void {
  sendJson(res, 202, body, ['Content-Type', JSON_TYPE, 'Location', `/reservations/${body.id}`, ...headers])
}
