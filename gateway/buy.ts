import type { IncomingMessage, ServerResponse } from 'node:http'
import { INTAKE } from '../core/contracts/topology.ts'
import { rootOf } from '../core/contracts/trace-context.ts'
import type { Buyer } from '../core/contracts/limit-per-buyer.ts'
import type { InFront } from '../core/platform/http/http-service.ts'
import { sendFault } from '../core/platform/http/problem.ts'
import { PRIVATE_HEADERS } from '../core/platform/http/security-headers.ts'
import { bearer, type Tokens } from '../core/platform/http/tokens.ts'
import { failpoint } from '../core/platform/process/failpoint.ts'
import { isOutage } from '../core/platform/stores/outage.ts'
import { type PendingReservation, pendingOf, wishesOf } from '../core/stock/reservation.ts'
import { databaseCall, messaging } from '../core/platform/tracing/conventions.ts'
import { step, type Trace } from '../core/platform/tracing/trace.ts'
import { traceRequest } from '../core/platform/tracing/trace-request.ts'
import { ledgerForBuyer } from '../core/stock/shards.ts'
import type { Stock } from '../core/stock/stock.ts'
import { answerBuyer, type BuyOutcome } from './answers.ts'
import { awaitAsPreferred } from './await-result.ts'
import type { Catalogue } from './catalogue.ts'
import { type CheckDeps, checkCarried } from './opening/check-carried.ts'
import { repeatedPurchase } from './opening/repeated-purchase.ts'
import type { Publish } from './publish-in-batches.ts'
import { purchaseKey, readRequest } from './read-request.ts'
import type { RecallRefusal } from './remembered-refusals.ts'
import { newReservationId } from './reservation-id.ts'
import { reserveOnTerms, type ReserveDeps } from './reserve-on-terms.ts'
import type { SoldOut } from './sold-out.ts'
import type { WaitingBuyers } from './waiting-room/waiting-buyers.ts'
import type { WatchedReservations } from './watched-reservations.ts'

export interface BuyDeps extends CheckDeps, ReserveDeps {
  tokens: Tokens
  catalogue: Catalogue
  soldOut: SoldOut
  stock: Stock
  recall: RecallRefusal
  publish: Publish
  watched: WatchedReservations
  waiting: Pick<WaitingBuyers, 'bought'>
  count: (outcome: BuyOutcome['status']) => void
  /** Called with each ACCEPTED. */
  acceptedIn: (ms: number) => void
}

/** @param address of the client, as limits count it */
export type BuyHandler = (req: IncomingMessage, res: ServerResponse, saleId: string, address: string) => Promise<void>

/** The plain spelling of the path. Express's router understands the others, and calls the same handler. */
const PLAIN_PATH = /^\/sales\/([a-z0-9][a-z0-9-]{0,31})\/reservations$/

const routeOfPurchase = () => '/sales/:saleId/reservations'

/** Calls the handler in front of Express, which alone costs more than a refusal. */
export function inFrontOfExpress(buy: BuyHandler): InFront {
  return (req, res, { address }) => {
    const saleId = req.method === 'POST' ? PLAIN_PATH.exec(req.url ?? '')?.[1] : undefined
    if (saleId === undefined) return false
    void buy(req, res, saleId, address)
    return true
  }
}

/** POST /sales/:saleId/reservations. It uses nothing of Express, and never throws. */
export function buyHandler(deps: BuyDeps): BuyHandler {
  return async (req, res, saleId, address) => {
    const attemptedAtMs = performance.now()
    const trace = traceRequest(req, res, routeOfPurchase)
    try {
      const caller = await identify(deps, req, address, trace)
      const outcome = 'buyer' in caller ? await buy(deps, req, saleId, caller) : caller
      deps.count(outcome.status)
      if (outcome.status === 'ACCEPTED') deps.acceptedIn(performance.now() - attemptedAtMs)
      // Before a wait that the buyer wishes.
      trace?.stop()
      const waited =
        outcome.status === 'ACCEPTED' || outcome.status === 'DUPLICATE'
          ? await awaitAsPreferred(deps.watched, outcome.reservation, address, res)
          : undefined
      answerBuyer(res, outcome, waited)
    } catch (error) {
      sendFault(res, error, deps.log, PRIVATE_HEADERS)
    }
  }
}

interface Caller {
  buyer: Buyer
  address: string
  trace: Trace | undefined
}

/** Needs only the headers, so it comes first. */
async function identify(
  { tokens }: BuyDeps,
  req: IncomingMessage,
  address: string,
  trace: Trace | undefined,
): Promise<Caller | BuyOutcome> {
  const verified = await tokens.verify(bearer(req.headers.authorization))
  if ('fault' in verified) return { status: 'UNAUTHENTICATED', fault: verified.fault }
  if (verified.buyer.isBlocked) return { status: 'BLACKLISTED' }
  return { buyer: verified.buyer, address, trace }
}

/**
 * Reserves in Redis, then publishes to the order service; the cheapest refusal comes first. After the script the
 * reservation stands among the pending: if this process dies, a resender publishes it.
 */
async function buy(
  deps: BuyDeps,
  req: IncomingMessage,
  saleId: string,
  { buyer, address, trace }: Caller,
): Promise<BuyOutcome> {
  const { catalogue, soldOut } = deps
  const key = purchaseKey(req)
  const { quantity, coupon, points } = await readRequest(req)
  const sale = catalogue.known(saleId) ?? (await catalogue.find(saleId))
  if (!sale) return { status: 'NO_SUCH_SALE' }
  if (soldOut.refuses(sale, buyer.id)) return { status: 'SOLD_OUT', left: 0 }
  const carried = checkCarried(deps, req.headers, sale, { saleId, buyerId: buyer.id, key })
  const refusal = typeof carried === 'string' ? undefined : deps.recall(sale, buyer.id, address)
  if (refusal) return refusal
  const wishes = wishesOf(coupon, points)
  const claims = claimsOf(buyer)
  const purchase = {
    reservationId: newReservationId(ledgerForBuyer(sale, buyer.id)),
    buyerId: buyer.id,
    quantity,
    ...(key !== undefined && { key }),
    ...(wishes && { wishes }),
    ...(claims && { claims }),
  }
  trace?.begins(purchase.reservationId)
  if (typeof carried === 'string') {
    const repeated = EXPIRED.has(carried) && (await repeatedPurchase(deps.stock, sale, purchase))
    return repeated || { status: carried }
  }
  const { outcome, terms, epoch } = await step(trace, RESERVE, () =>
    reserveOnTerms(deps, sale, buyer, { ...purchase, ...carried, address }),
  )
  if (outcome.status === 'SOLD_OUT' && outcome.left === 0) soldOut.learn(sale)
  if (outcome.status === 'DUPLICATE') trace?.link(rootOf(outcome.reservation.reservationId))
  if (outcome.status === 'TICKET_USED' && sale.opening?.draw) return { status: 'ADMISSION_USED' }
  if (outcome.status !== 'RESERVED') return outcome

  deps.waiting.bought(sale, buyer.id)
  const { reservedAtMs, pendingEntry } = outcome
  const made = { ...purchase, ...(terms !== undefined && { terms }) }
  const reservation = { ...made, status: 'RESERVED', epoch, reservedAtMs } as const
  const accepted = { status: 'ACCEPTED', reservation } as const
  const pending = pendingOf(reservation, pendingEntry)
  failpoint('purchase.beforePublish')
  switch (await step(trace, SEND, () => deps.publish(pending))) {
    case 'REFUSED':
      return (await takeBack(deps, pending)) ? { status: 'BUSY' } : accepted
    // UNKNOWN may well have arrived. The pending entry carries it; giving the unit back now could sell it twice.
    case 'UNKNOWN':
    case 'CONFIRMED':
      failpoint('purchase.beforeAnswer')
      return accepted
  }
}

const RESERVE = databaseCall('redis', 'reserve.lua')
const SEND = messaging('send', INTAKE)

/** A buyer who repeats their purchase later must still get the reservation that they hold. */
const EXPIRED = new Set<string>(['ADMISSION_EXPIRED', 'TICKET_EXPIRED'])

/** Undefined when the token has none that a rule may use. */
function claimsOf({ claims }: Buyer): Buyer['claims'] | undefined {
  return Object.values(claims).some((claim) => claim !== undefined) ? claims : undefined
}

/**
 * The broker refused: the unit goes back, unless a resender has taken the entry over, whose publish may have arrived.
 */
async function takeBack({ stock, log }: BuyDeps, reservation: PendingReservation): Promise<boolean> {
  failpoint('takeBack.beforeRelease')
  try {
    const ending = { status: 'REJECTED', reason: 'BUSY', giveBack: true } as const
    return (await stock.release(reservation, ending, reservation.entry)) === 'RELEASED'
  } catch (error) {
    const level = isOutage(error) ? 'warn' : 'error'
    const { reservationId } = reservation
    log[level]({ err: error, reservationId }, 'refused by the broker but not released; a resender will publish it')
    return false
  } finally {
    failpoint('takeBack.afterRelease')
  }
}
