import type { Response } from 'express'
import type { ReservationView } from '../core/contracts/http.ts'
import { sendJson, sendProblem } from '../core/platform/problem.ts'
import { type ReservationRecord, saleOf } from '../core/stock/ledger.ts'
import type { Stock } from '../core/stock/stock.ts'
import type { BuyOutcome } from './buy.ts'

const BUSY_RETRY_SECONDS = 2

/** The one table from what happened to a purchase to what HTTP says. */
export async function answerBuyer(res: Response, stock: Stock, saleId: string, outcome: BuyOutcome): Promise<void> {
  // What follows is private and changes at any moment.
  res.setHeader('Cache-Control', 'no-store')
  switch (outcome.status) {
    case 'ACCEPTED':
      return accepted(res, { id: outcome.reservationId, saleId, status: 'RESERVED', quantity: outcome.quantity })
    case 'DUPLICATE': {
      const record = await stock.readReservation(saleId, outcome.reservationId)
      return accepted(res, record
        ? reservationView(outcome.reservationId, record)
        : { id: outcome.reservationId, saleId, status: 'RESERVED', quantity: 1 })
    }
    case 'SOLD_OUT':
      return sendProblem(res, 'SOLD_OUT', outcome.left > 0
        ? `Only ${outcome.left} left; ask for fewer.`
        : 'Every unit is taken. Units of unpaid orders come back: watch the sale and try again.')
    case 'CROWDED':
      return sendProblem(res, 'RATE_LIMITED', 'The whole shop is crowded; wait before the next attempt.', { retryAfterSeconds: outcome.retryAfterMs / 1_000 })
    case 'RATE_LIMITED':
      return sendProblem(res, 'RATE_LIMITED', 'Too many attempts; wait before the next.', { retryAfterSeconds: outcome.retryAfterMs / 1_000 })
    case 'UNAUTHENTICATED':
      return sendProblem(res, 'UNAUTHENTICATED', 'Send a valid token as "Authorization: Bearer <token>".')
    case 'NOT_STARTED':
      return sendProblem(res, 'NOT_STARTED', `The sale opens at ${new Date(outcome.opensAtMs).toISOString()}.`, {
        serverTime: new Date(outcome.nowMs).toISOString(), retryAfterSeconds: (outcome.opensAtMs - outcome.nowMs) / 1_000,
      })
    case 'ENDED':
      return sendProblem(res, 'ENDED', 'The sale is over.', { serverTime: new Date(outcome.nowMs).toISOString() })
    case 'BLACKLISTED':
      return sendProblem(res, 'NOT_ELIGIBLE', 'This account cannot take part; ask the shop why.')
    case 'OVER_LIMIT':
      return sendProblem(res, 'INVALID_REQUEST', `quantity: expected at most ${outcome.perBuyerLimit}, the limit per buyer`, {
        errors: [{ path: 'quantity', message: `expected at most ${outcome.perBuyerLimit}` }],
      })
    case 'BUSY':
      return sendProblem(res, 'BUSY', 'The line is full; nothing was reserved. Try again in a moment.', { retryAfterSeconds: BUSY_RETRY_SECONDS })
    case 'UNAVAILABLE':
      return sendProblem(res, 'UNAVAILABLE', 'The sale cannot be reached right now; try again in a moment.', { retryAfterSeconds: BUSY_RETRY_SECONDS })
    case 'NO_SUCH_SALE':
      return sendProblem(res, 'NOT_FOUND', 'There is no such sale.')
  }
}

/** A reservation as its buyer sees it. */
export function reservationView(id: string, record: ReservationRecord): ReservationView {
  return {
    id,
    saleId: saleOf(id),
    status: record.status,
    quantity: record.quantity,
    ...(record.reason ? { reason: record.reason } : {}),
    ...(record.orderId ? { orderId: record.orderId } : {}),
  }
}

function accepted(res: Response, body: ReservationView): void {
  res.setHeader('Location', `/reservations/${body.id}`)
  sendJson(res, 202, body)
}
