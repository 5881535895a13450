import { decode, ReservationMessage, UnreadableMessage } from '../core/contracts/messages.ts'
import type { Verdict } from '../core/orders/decide.ts'
import { tellStock } from '../core/orders/tell-stock.ts'
import { placeOrders, type PlacingRules } from '../core/orders/place-orders.ts'
import type { Database } from '../core/platform/database.ts'
import type { Logger } from '../core/platform/log.ts'
import type { Outcome } from '../core/platform/rabbit/batch-consumer.ts'
import type { Stock } from '../core/stock/stock.ts'

export interface PlacingDeps {
  database: Database
  stock: Stock
  log: Logger
  rules: PlacingRules
  /** Called when something waits in the outbox. */
  onPlaced: (verdicts: Verdict[]) => void
}

/** Places a batch of messages: one transaction, then Redis is told, then they may be acknowledged. */
export async function placeBatch(deps: PlacingDeps, bodies: Buffer[]): Promise<Outcome[]> {
  const read = bodies.map((body) => readReservation(body, deps.log))
  const reservations = read.filter((reservation) => reservation !== undefined)
  if (reservations.length > 0) {
    const verdicts = await placeOrders(deps.database, reservations, deps.rules)
    deps.onPlaced(verdicts)
    await tellStock(deps.stock, verdicts, deps.log)
  }
  return read.map((reservation) => (reservation ? 'ACK' : 'DEAD_LETTER'))
}

/** A message that cannot be read goes to the dead letters at once; its neighbours in the batch go on. */
function readReservation(body: Buffer, log: Logger): ReservationMessage | undefined {
  try {
    return decode(ReservationMessage, body)
  } catch (error) {
    if (!(error instanceof UnreadableMessage)) throw error
    log.error({ err: error.message }, 'unreadable reservation, to the dead letters')
    return undefined
  }
}
