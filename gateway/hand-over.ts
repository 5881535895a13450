import { type Reservation, type ReservationBatch, RESERVATIONS_PER_MESSAGE_MAX } from '../core/contracts/messages.ts'
import { INTAKE } from '../core/contracts/topology.ts'
import { Combiner } from '../core/platform/batches/combiner.ts'
import { failpoint } from '../core/platform/process/failpoint.ts'
import { groupBy } from '../core/platform/batches/group-by.ts'
import type { Logger } from '../core/platform/process/log.ts'
import type { Publisher, PublishOutcome } from '../core/platform/rabbit/publisher.ts'
import type { PendingReservation } from '../core/stock/ledger.ts'
import type { Stock } from '../core/stock/stock.ts'

/**
 * Messages whose confirm is awaited. While four are on their way the next one fills up, so that messages grow with the
 * load: one reservation each when it is calm, 64 in a rush, where the design with one message each accepts less than
 * half.
 */
const MESSAGES_UNCONFIRMED_MAX = 4

export interface HandOverDeps {
  stock: Stock
  publisher: Publisher
  log: Logger
  /** How long a reservation's outcome is waited for, its wait for a place in a message included. */
  confirmTimeoutMs: number
}

interface Given {
  reservation: PendingReservation
  sinceMs: number
}

/** Hands reservations to the order service, those that come together in one message. */
export class HandOver {
  readonly #deps: HandOverDeps
  readonly #combiner: Combiner<Given, PublishOutcome>

  constructor(deps: HandOverDeps) {
    this.#deps = deps
    this.#combiner = new Combiner({
      togetherMax: RESERVATIONS_PER_MESSAGE_MAX,
      runsMax: MESSAGES_UNCONFIRMED_MAX,
      run: (given) => this.#send(given),
    })
  }

  /**
   * What is known of the message that carries this reservation. On CONFIRMED its pending entry goes; on REFUSED nothing
   * of the message has arrived; on UNKNOWN the entry stays and carries it. Never throws.
   */
  give(reservation: PendingReservation): Promise<PublishOutcome> {
    return this.#combiner.add({ reservation, sinceMs: performance.now() })
  }

  async #send(given: Given[]): Promise<PublishOutcome[]> {
    // They are in the order of their coming: the first has waited longest, and nobody waits longer than the limit.
    const patienceMs = this.#deps.confirmTimeoutMs - (performance.now() - (given[0]?.sinceMs ?? 0))
    const reservations = given.map(({ reservation }) => reservation)
    const outcome = patienceMs > 0 ? await this.#deps.publisher.publish(messageOf(reservations), patienceMs) : 'UNKNOWN'
    if (outcome === 'CONFIRMED') failpoint('handOver.beforeForget')
    if (outcome === 'CONFIRMED') this.#forget(reservations)
    return given.map(() => outcome)
  }

  /** Not awaited: should it fail, the resender sends once more and the order service takes the duplicates. */
  #forget(reservations: PendingReservation[]): void {
    const { stock, log } = this.#deps
    for (const [saleId, ofSale] of groupBy(reservations, (reservation) => reservation.saleId)) {
      stock
        .confirmed(
          saleId,
          ofSale.map(({ entry }) => entry),
        )
        .catch((error: Error) => log.debug({ err: error.message, saleId }, 'pending entries stay, will be sent again'))
    }
  }
}

function messageOf(reservations: PendingReservation[]) {
  const body: ReservationBatch = { v: 2, reservations: reservations.map(handedOver) }
  return { exchange: INTAKE, routingKey: INTAKE, messageId: reservations[0]?.reservationId ?? '', body }
}

function handedOver({
  reservationId,
  saleId,
  buyerId,
  quantity,
  epoch,
  reservedAtMs,
  couponCode,
  points,
}: PendingReservation): Reservation {
  const reservation: Reservation = { reservationId, saleId, buyerId, quantity, epoch, reservedAtMs }
  if (couponCode !== undefined) reservation.couponCode = couponCode
  if (points !== undefined) reservation.points = points
  return reservation
}
