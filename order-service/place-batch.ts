import { decode, readEach, Reservation, ReservationBatch, type Unpacked } from '../core/contracts/messages.ts'
import type { Verdict } from '../core/orders/decide.ts'
import { placeOrders, type PlacingRules } from '../core/orders/place-orders.ts'
import { tellStock } from '../core/orders/tell-stock.ts'
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
  /** Returns once the reservations are decided for good; Redis is told after that. */
  place: (reservations: Reservation[]) => Promise<void>
  /** Waits until Redis was told of everything. */
  close: () => Promise<void>
}

/** @throws UnreadableMessage */
export function readReservations(body: Buffer): Unpacked<Reservation> {
  return readEach(Reservation, decode(ReservationBatch, body).reservations)
}

/**
 * Places batches, each in one transaction. Redis is told of a batch while the next one is placed, and never of two at a
 * time: a slow Redis slows the placing down instead of filling this process. Killed in between, the sweeper tells it.
 */
export function createPlacer({ database, stock, log, rules, onPlaced }: PlacingDeps): Placer {
  let telling = Promise.resolve()
  return {
    async place(reservations) {
      const verdicts = await placeOrders(database, reservations, rules)
      failpoint('placing.beforeAck')
      onPlaced(verdicts)
      await telling
      telling = tellStock(stock, verdicts, log)
    },
    close: () => telling,
  }
}
