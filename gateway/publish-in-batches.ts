import { type Reservation, type ReservationBatch, RESERVATIONS_PER_MESSAGE_MAX } from '../core/contracts/messages.ts'
import { INTAKE } from '../core/contracts/topology.ts'
import { Batcher } from '../core/platform/batches/batcher.ts'
import { groupBy } from '../core/platform/batches/divide.ts'
import { failpoint } from '../core/platform/process/failpoint.ts'
import type { Logger } from '../core/platform/process/log.ts'
import type { Publisher, PublishOutcome } from '../core/platform/rabbit/publisher.ts'
import { ledgerOf, type PendingReservation } from '../core/stock/reservation.ts'
import { saleOf } from '../core/stock/shards.ts'
import type { Stock } from '../core/stock/stock.ts'

/**
 * While four messages are unconfirmed the next one fills up, so that messages grow with the load: of one reservation when
 * it is calm, of 64 in a rush, where one message each accepts less than half.
 */
const MESSAGES_UNCONFIRMED_MAX = 4

export interface PublishDeps {
  stock: Stock
  publisher: Publisher
  log: Logger
  /** How long the outcome of a reservation is waited for, its wait for a place in a message included. */
  confirmTimeoutMs: number
}

/**
 * What is known of the message that carries this reservation. On CONFIRMED its pending entry goes; on REFUSED nothing
 * of the message has arrived; on UNKNOWN the entry stays, and a resender publishes it again. Never throws.
 */
export type Publish = (reservation: PendingReservation) => Promise<PublishOutcome>

/** Publishes reservations to the order service in batches, one message for each. */
export function publishInBatches(deps: PublishDeps): Publish {
  const batcher = new Batcher<{ reservation: PendingReservation; sinceMs: number }, PublishOutcome>({
    itemsMax: RESERVATIONS_PER_MESSAGE_MAX,
    batchesMax: MESSAGES_UNCONFIRMED_MAX,
    async run(batch) {
      // The first has waited longest, and none may wait longer than the limit.
      const patienceMs = deps.confirmTimeoutMs - (performance.now() - (batch[0]?.sinceMs ?? 0))
      const reservations = batch.map(({ reservation }) => reservation)
      const outcome = patienceMs > 0 ? await deps.publisher.publish(messageOf(reservations), patienceMs) : 'UNKNOWN'
      if (outcome === 'CONFIRMED') failpoint('handOver.beforeForget')
      if (outcome === 'CONFIRMED') removePending(deps, reservations)
      return batch.map(() => outcome)
    },
  })
  return (reservation) => batcher.add({ reservation, sinceMs: performance.now() })
}

/** Not awaited: if it fails, a resender publishes once more and the order service drops the duplicates. */
function removePending({ stock, log }: PublishDeps, reservations: PendingReservation[]): void {
  for (const [ledger, inLedger] of groupBy(reservations, ({ reservationId }) => ledgerOf(reservationId))) {
    stock.confirmed(ledger, inLedger).catch((error: Error) => {
      log.debug(
        { err: error.message, saleId: saleOf(ledger) },
        'pending entries not removed, they will be published again',
      )
    })
  }
}

function messageOf(pending: PendingReservation[]) {
  const reservations = pending.map(({ entry: _, ...reservation }): Reservation => reservation)
  const body: ReservationBatch = { v: 2, reservations }
  return { exchange: INTAKE, routingKey: INTAKE, messageId: pending[0]?.reservationId ?? '', body }
}
