import { decode, readEach, Reservation, ReservationBatch, type Unpacked } from '../core/contracts/messages.ts'
import type { Verdict } from '../core/orders/decide.ts'
import { placeOrders, type PlacingRules } from '../core/orders/place-orders.ts'
import { settleDecided } from '../core/orders/settle-decided.ts'
import type { Database } from '../core/platform/stores/database.ts'
import { failpoint } from '../core/platform/process/failpoint.ts'
import type { Logger } from '../core/platform/process/log.ts'
import type { Stock } from '../core/stock/stock.ts'

export interface PlacingDeps {
  database: Database
  stock: Stock
  log: Logger
  rules: PlacingRules
  /** Called after the commit of each batch, which has filled the outbox. */
  onPlaced: (verdicts: Verdict[]) => void
}

export interface Placer {
  /** Resolves once the decisions are committed; they are settled in Redis after that. */
  place: (reservations: Reservation[]) => Promise<void>
  /** Waits until every decision is settled in Redis. */
  close: () => Promise<void>
}

/** @throws UnreadableMessage */
export function readReservations(body: Buffer): Unpacked<Reservation> {
  return readEach(Reservation, decode(ReservationBatch, body).reservations)
}

/**
 * Places batches, each in one transaction. A batch is settled in Redis while the next one is placed, one batch at a
 * time: a slow Redis is backpressure on placing instead of a growing queue in memory. After a crash in between, the
 * sweeper settles the batch.
 */
export function createPlacer({ database, stock, log, rules, onPlaced }: PlacingDeps): Placer {
  let settling = Promise.resolve()
  return {
    async place(reservations) {
      const verdicts = await placeOrders(database, reservations, rules)
      failpoint('placing.beforeAck')
      onPlaced(verdicts)
      await settling
      settling = settleDecided(stock, verdicts, log)
    },
    close: () => settling,
  }
}
