import { type Reservation, type ReservationBatch, RESERVATIONS_PER_MESSAGE_MAX } from '../core/contracts/messages.ts'
import { INTAKE } from '../core/contracts/topology.ts'
import type { Logger } from '../core/platform/log.ts'
import type { Publisher, PublishOutcome } from '../core/platform/rabbit/publisher.ts'
import type { PendingReservation } from '../core/stock/ledger.ts'
import type { Stock } from '../core/stock/stock.ts'

/**
 * Messages whose confirm is awaited. While four are on their way the next one fills up, so that messages grow with the
 * load: one reservation each when it is calm, 64 in a rush, where one message per reservation halves what is accepted.
 */
const MESSAGES_UNCONFIRMED_MAX = 4

export interface HandOverDeps {
  stock: Stock
  publisher: Publisher
  log: Logger
  /** How long a reservation's outcome is waited for, its wait for a place in a message included. */
  confirmTimeoutMs: number
}

interface Waiting {
  reservation: PendingReservation
  sinceMs: number
  resolve: (outcome: PublishOutcome) => void
}

/** Hands reservations to the order service, those that come together in one message. */
export class HandOver {
  readonly #deps: HandOverDeps
  #waiting: Waiting[] = []
  #unconfirmed = 0

  constructor(deps: HandOverDeps) {
    this.#deps = deps
  }

  /**
   * What is known of the message that carries this reservation. On CONFIRMED its pending entry goes; on REFUSED nothing
   * of the message has arrived; on UNKNOWN the entry stays and carries it. Never throws.
   */
  give(reservation: PendingReservation): Promise<PublishOutcome> {
    return new Promise((resolve) => {
      this.#waiting.push({ reservation, sinceMs: performance.now(), resolve })
      // Not at once: what Redis answered in the same turn of the loop comes along.
      if (this.#waiting.length === 1) setImmediate(() => this.#send())
    })
  }

  #send(): void {
    while (this.#waiting.length > 0 && this.#unconfirmed < MESSAGES_UNCONFIRMED_MAX) {
      void this.#sendOne(this.#waiting.splice(0, RESERVATIONS_PER_MESSAGE_MAX))
    }
  }

  async #sendOne(together: Waiting[]): Promise<void> {
    this.#unconfirmed++
    const outcome = await this.#publish(together)
    this.#unconfirmed--
    if (outcome === 'CONFIRMED') this.#forget(together)
    for (const { resolve } of together) resolve(outcome)
    this.#send()
  }

  async #publish(together: Waiting[]): Promise<PublishOutcome> {
    // In the order of their coming: the first has waited longest, and nobody waits longer than the limit.
    const patienceMs = this.#deps.confirmTimeoutMs - (performance.now() - (together[0]?.sinceMs ?? 0))
    if (patienceMs <= 0) return 'UNKNOWN'
    const body: ReservationBatch = { v: 2, reservations: together.map(({ reservation }) => handedOver(reservation)) }
    return this.#deps.publisher.publish({ exchange: INTAKE, routingKey: INTAKE, messageId: body.reservations[0]?.reservationId ?? '', body }, patienceMs)
  }

  /** Not awaited: should it fail, the resender sends once more and the order service takes the duplicates. */
  #forget(together: Waiting[]): void {
    const { stock, log } = this.#deps
    for (const [saleId, entries] of entriesBySale(together)) {
      stock.confirmed(saleId, entries).catch((error: Error) => log.debug({ err: error.message, saleId }, 'pending entries stay, will be sent again'))
    }
  }
}

function handedOver({ entry: _, ...reservation }: PendingReservation): Reservation {
  return reservation
}

function entriesBySale(together: Waiting[]): Map<string, string[]> {
  const entries = new Map<string, string[]>()
  for (const { reservation: { saleId, entry } } of together) {
    const ofSale = entries.get(saleId)
    if (ofSale) ofSale.push(entry)
    else entries.set(saleId, [entry])
  }
  return entries
}
