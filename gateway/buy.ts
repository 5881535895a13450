import { randomBytes } from 'node:crypto'
import type { Reservation, ReservationBatch } from '../core/contracts/messages.ts'
import { INTAKE } from '../core/contracts/topology.ts'
import type { Logger } from '../core/platform/log.ts'
import type { Outgoing, Publisher } from '../core/platform/rabbit/publisher.ts'
import type { ReserveLimits, ReserveOutcome } from '../core/stock/ledger.ts'
import type { Stock } from '../core/stock/stock.ts'
import type { Catalogue } from './catalogue.ts'

export interface BuyDeps {
  catalogue: Catalogue
  stock: Stock
  publisher: Publisher
  limits: ReserveLimits
  log: Logger
}

export interface BuyRequest {
  saleId: string
  buyerId: string
  address: string
  quantity: number
}

export type BuyOutcome =
  | { status: 'ACCEPTED'; reservationId: string; quantity: number }
  | { status: 'NO_SUCH_SALE' }
  | Exclude<ReserveOutcome, { status: 'RESERVED' }>

/**
 * The whole way of a purchase on the light side: one script sets the units aside, one message hands them to the order
 * service. The reservation stands in the pending stream from the script on, so that a process that dies anywhere below
 * leaves it to a resender.
 */
export async function buy(deps: BuyDeps, request: BuyRequest): Promise<BuyOutcome> {
  const sale = await deps.catalogue.find(request.saleId)
  if (!sale) return { status: 'NO_SUCH_SALE' }

  const reservationId = newReservationId(request.saleId)
  const outcome = await deps.stock.reserve({ ...request, reservationId, epoch: sale.epoch }, deps.limits)
  if (outcome.status !== 'RESERVED') return outcome

  const { saleId, buyerId, quantity } = request
  const message: Reservation = { reservationId, saleId, buyerId, quantity, epoch: sale.epoch, reservedAtMs: outcome.reservedAtMs }
  const accepted: BuyOutcome = { status: 'ACCEPTED', reservationId, quantity }
  switch (await deps.publisher.publish(toIntake(message))) {
    case 'CONFIRMED':
      forgetPending(deps, saleId, outcome.pendingEntry)
      return accepted
    case 'REFUSED':
      return await takeBack(deps, message, outcome.pendingEntry) ? { status: 'BUSY' } : accepted
    case 'UNKNOWN':
      // It may well have arrived. The pending entry carries it; giving the unit back now could sell it twice.
      return accepted
  }
}

export function toIntake(message: Reservation): Outgoing {
  const body: ReservationBatch = { v: 2, reservations: [message] }
  return { exchange: INTAKE, routingKey: INTAKE, messageId: message.reservationId, body }
}

/** The sale's id for the hash tag, and 128 random bits that nobody guesses. */
function newReservationId(saleId: string): string {
  return `${saleId}.${randomBytes(16).toString('base64url')}`
}

/** Not awaited: should it fail, the resender sends once more and the order service takes the duplicate. */
export function forgetPending({ stock, log }: Pick<BuyDeps, 'stock' | 'log'>, saleId: string, entry: string): void {
  stock.confirmed(saleId, entry).catch((error: Error) => log.debug({ err: error.message }, 'pending entry stays, will be sent again'))
}

/** The broker refused: the unit goes back, unless a resender has taken the entry over, whose publish may have arrived. */
async function takeBack({ stock, log }: BuyDeps, message: Reservation, pendingEntry: string): Promise<boolean> {
  try {
    return await stock.release(message, { status: 'REJECTED', reason: 'BUSY', giveBack: true }, pendingEntry) === 'RELEASED'
  } catch (error) {
    log.warn({ err: error, reservationId: message.reservationId }, 'refused by the broker but not taken back; the resender carries it')
    return false
  }
}
