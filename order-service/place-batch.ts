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
  /** Called when something waits in the outbox. */
  onPlaced: (verdicts: Verdict[]) => void
}

export interface Placer {
  /** Returns once the reservations are decided for good; they are settled after that. */
  place: (reservations: Reservation[]) => Promise<void>
  /** Waits until everything is settled. */
  close: () => Promise<void>
}

/** @throws UnreadableMessage */
export function readReservations(body: Buffer): Unpacked<Reservation> {
  return readEach(Reservation, decode(ReservationBatch, body).reservations)
}

/**
 * Places batches, each in one transaction. A batch is settled in Redis while the next one is placed, and never two at a
 * time: a slow Redis is backpressure for the placing. After a kill in between the sweeper settles it.
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
