import { randomFillSync } from 'node:crypto'
import type { Request, Response } from 'express'
import { ReservationRequest } from '../core/contracts/http.ts'
import { addressForLimit } from '../core/platform/http/client-address.ts'
import { failpoint } from '../core/platform/process/failpoint.ts'
import { readJson } from '../core/platform/http/json-body.ts'
import type { KeyedBuckets } from '../core/platform/limits/keyed-buckets.ts'
import type { Logger } from '../core/platform/process/log.ts'
import { isOutage } from '../core/platform/stores/outage.ts'
import { type HeaderList, parse, sendFault } from '../core/platform/http/problem.ts'
import { bearer, type Tokens } from '../core/platform/http/tokens.ts'
import type { PendingReservation, ReserveOutcome, ReserveRequest, SaleFigures, Wishes } from '../core/stock/ledger.ts'
import type { Stock } from '../core/stock/stock.ts'
import { answerBuyer, type BuyOutcome, type Waited } from './answers.ts'
import { awaitResult, preferredWait } from './await-result.ts'
import type { Catalogue } from './catalogue.ts'
import type { HandOver } from './hand-over.ts'
import type { Reserving } from './reserve-together.ts'
import type { SoldOut } from './sold-out.ts'
import type { WatchedReservations } from './watched-reservations.ts'

export interface BuyDeps {
  /** What one client address may attempt in this process, whoever it says it is. */
  addresses: KeyedBuckets
  tokens: Tokens
  catalogue: Catalogue
  soldOut: SoldOut
  stock: Stock
  reserving: Reserving
  handOver: HandOver
  watched: WatchedReservations
  /** Of every answer. */
  headers: HeaderList
  count: (outcome: BuyOutcome['status']) => void
  log: Logger
}

export type BuyHandler = (req: Request, res: Response, saleId: string) => Promise<void>

/**
 * POST /sales/:saleId/reservations, the one route that a rush is about. The same handler stands in front of Express
 * (see fast-lane.ts) and behind its router, so it does everything itself, with nothing of Express but `req.ip`. Never
 * throws.
 */
export function buyHandler(deps: BuyDeps): BuyHandler {
  return async (req, res, saleId) => {
    try {
      const outcome = await buy(deps, req, saleId)
      deps.count(outcome.status)
      const waited = req.headers.prefer === undefined ? undefined : await waitAsPreferred(deps, req, res, outcome)
      await answerBuyer(res, deps.headers, deps.stock, saleId, outcome, waited)
    } catch (error) {
      sendFault(res, error, deps.log, deps.headers)
    }
  }
}

/** With `Prefer: wait=N`, whoever has a reservation now may wait here for what becomes of it. */
async function waitAsPreferred(
  { tokens, watched }: BuyDeps,
  req: Request,
  res: Response,
  outcome: BuyOutcome,
): Promise<Waited | undefined> {
  const waitSeconds = preferredWait(req.headers)
  const verified = tokens.verify(bearer(req.headers.authorization))
  if (waitSeconds === undefined || 'fault' in verified || !('reservationId' in outcome)) return undefined
  const record = await awaitResult(watched, {
    reservationId: outcome.reservationId,
    buyerId: verified.buyerId,
    waitSeconds,
    res,
  })
  return record && { record, waitSeconds }
}

/**
 * The whole way of a purchase on the light side, cheapest refusal first: what needs only this process, then one script
 * that checks everything else and sets the units aside, then the message that hands them to the order service. From the
 * script on the reservation stands in the pending stream, so that a process that dies below leaves it to a resender.
 */
async function buy(deps: BuyDeps, req: Request, saleId: string): Promise<BuyOutcome> {
  const { catalogue, soldOut } = deps
  const address = addressForLimit(req.ip ?? '')
  const token = deps.addresses.take(address)
  if (!token.taken) return { status: 'RATE_LIMITED', retryAfterMs: token.waitMs }
  const verified = deps.tokens.verify(bearer(req.headers.authorization))
  if ('fault' in verified) return { status: 'UNAUTHENTICATED', fault: verified.fault }
  const { buyerId } = verified
  const { quantity, coupon, points } = parse(ReservationRequest, await readJson(req))
  const sale = catalogue.known(saleId) ?? (await catalogue.find(saleId))
  if (!sale) return { status: 'NO_SUCH_SALE' }
  if (soldOut.refuses(saleId, buyerId, sale.holderUnits ?? sale.total)) return { status: 'SOLD_OUT', left: 0 }

  const reservationId = newReservationId(saleId)
  const wishes = wishesOf(coupon, points)
  const outcome = await reserve(deps, sale, { reservationId, buyerId, quantity, address, wishes })
  if (outcome.status === 'SOLD_OUT' && outcome.left === 0) soldOut.learn(saleId)
  if (outcome.status !== 'RESERVED') return outcome

  const { reservedAtMs, pendingEntry: entry } = outcome
  const reservation: PendingReservation = {
    reservationId,
    saleId,
    buyerId,
    quantity,
    epoch: sale.epoch,
    reservedAtMs,
    entry,
    ...wishes,
  }
  failpoint('purchase.beforePublish')
  switch (await deps.handOver.give(reservation)) {
    case 'REFUSED':
      return (await takeBack(deps, reservation)) ? { status: 'BUSY' } : { status: 'ACCEPTED', reservationId, quantity }
    // UNKNOWN may well have arrived. The pending entry carries it; giving the unit back now could sell it twice.
    case 'UNKNOWN':
    case 'CONFIRMED':
      failpoint('purchase.beforeAnswer')
      return { status: 'ACCEPTED', reservationId, quantity }
  }
}

/** Undefined when there are none; no points are no wish. */
function wishesOf(couponCode: string | undefined, points = 0): Wishes | undefined {
  if (couponCode === undefined && points === 0) return undefined
  return { ...(couponCode !== undefined && { couponCode }), ...(points > 0 && { points }) }
}

/**
 * An outage of Redis is "unknown": the script may have run. The buyer is asked to come back, and then gets the same
 * reservation or a new one.
 * @throws what is no outage but a fault of ours.
 */
async function reserve(
  { reserving, log }: BuyDeps,
  sale: SaleFigures,
  request: ReserveRequest,
): Promise<ReserveOutcome> {
  try {
    return await reserving.reserve(sale, request)
  } catch (error) {
    if (!isOutage(error)) throw error
    log.warn({ err: error }, 'Redis did not answer')
    return { status: 'UNAVAILABLE' }
  }
}

/**
 * The broker refused: the unit goes back, unless a resender has taken the entry over, whose publish may have arrived.
 */
async function takeBack({ stock, log }: BuyDeps, reservation: PendingReservation): Promise<boolean> {
  failpoint('takeBack.beforeRelease')
  try {
    return (
      (await stock.release(reservation, { status: 'REJECTED', reason: 'BUSY', giveBack: true }, reservation.entry)) ===
      'RELEASED'
    )
  } catch (error) {
    const level = isOutage(error) ? 'warn' : 'error'
    log[level](
      { err: error, reservationId: reservation.reservationId },
      'refused by the broker but not taken back; the resender carries it',
    )
    return false
  } finally {
    failpoint('takeBack.afterRelease')
  }
}

/** Drawn 256 ids at a time: 0.4 µs each instead of 2.2. */
const random = Buffer.alloc(16 * 256)
let drawn = random.length

/** The sale's id for the hash tag, and 128 random bits that nobody guesses. */
function newReservationId(saleId: string): string {
  if (drawn === random.length) {
    randomFillSync(random)
    drawn = 0
  }
  drawn += 16
  return `${saleId}.${random.toString('base64url', drawn - 16, drawn)}`
}
