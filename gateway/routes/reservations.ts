import type { Response } from 'express'
import { ReservationId, ReservationRequest, type ReservationView, SaleId } from '../../core/contracts/http.ts'
import { parse, ProblemError, sendProblem } from '../../core/platform/problem.ts'
import type { BuyersHandler } from '../../core/platform/signed-in.ts'
import type { ReservationRecord } from '../../core/stock/ledger.ts'
import type { Stock } from '../../core/stock/stock.ts'
import { addressForLimit } from '../address.ts'
import { buy, type BuyDeps, type BuyOutcome } from '../buy.ts'

const BUSY_RETRY_SECONDS = 2

/** POST /sales/:saleId/reservations */
export function postReservation(deps: BuyDeps, count: (outcome: BuyOutcome['status']) => void): BuyersHandler<{ saleId: string }> {
  return async (req, res) => {
    const saleId = SaleId.safeParse(req.params.saleId)
    const { quantity } = parse(ReservationRequest, req.body)
    const outcome: BuyOutcome = saleId.success
      ? await buyOrBusy(deps, { saleId: saleId.data, buyerId: res.locals.buyerId, address: addressForLimit(req.ip ?? ''), quantity })
      : { status: 'NO_SUCH_SALE' }
    count(outcome.status)
    await answer(res, deps.stock, saleId.data ?? '', outcome)
  }
}

/**
 * A fault of Redis is "unknown": the script may have run. The buyer is asked to come back, and then gets the same
 * reservation or a new one.
 */
async function buyOrBusy(deps: BuyDeps, request: Parameters<typeof buy>[1]): Promise<BuyOutcome> {
  try {
    return await buy(deps, request)
  } catch (error) {
    deps.log.warn({ err: error }, 'Redis did not answer')
    return { status: 'UNAVAILABLE' }
  }
}

/** The one table from what happened to what HTTP says. */
async function answer(res: Response, stock: Stock, saleId: string, outcome: BuyOutcome): Promise<void> {
  switch (outcome.status) {
    case 'ACCEPTED':
      return accepted(res, { id: outcome.reservationId, saleId, status: 'RESERVED', quantity: outcome.quantity })
    case 'DUPLICATE': {
      const record = await stock.readReservation(saleId, outcome.reservationId)
      return accepted(res, record
        ? view(outcome.reservationId, record)
        : { id: outcome.reservationId, saleId, status: 'RESERVED', quantity: 1 })
    }
    case 'SOLD_OUT':
      return sendProblem(res, 'SOLD_OUT', outcome.left > 0
        ? `Only ${outcome.left} left; ask for fewer.`
        : 'Every unit is taken. Units of unpaid orders come back: watch the sale and try again.')
    case 'RATE_LIMITED':
      return sendProblem(res, 'RATE_LIMITED', 'Too many attempts; wait before the next.', { retryAfterSeconds: outcome.retryAfterMs / 1_000 })
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

/** GET /reservations/:reservationId: the buyer's own only; another's is not found, like one that does not exist. */
export function getReservation(stock: Stock): BuyersHandler<{ reservationId: string }> {
  return async (req, res) => {
    const id = ReservationId.safeParse(req.params.reservationId)
    const record = id.success ? await stock.readReservation(saleOf(id.data), id.data) : undefined
    if (!id.success || record?.buyerId !== res.locals.buyerId) throw new ProblemError('NOT_FOUND', 'You have no such reservation.')
    res.json(view(id.data, record))
  }
}

function accepted(res: Response, body: ReservationView): void {
  res.status(202).location(`/reservations/${body.id}`).json(body)
}

function view(id: string, record: ReservationRecord): ReservationView {
  return {
    id,
    saleId: saleOf(id),
    status: record.status,
    quantity: record.quantity,
    ...(record.reason ? { reason: record.reason } : {}),
    ...(record.orderId ? { orderId: record.orderId } : {}),
  }
}

/** A reservation's id begins with its sale's, which is also the hash tag of its key. */
const saleOf = (reservationId: string) => reservationId.slice(0, reservationId.lastIndexOf('.'))
