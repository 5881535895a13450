import { decode, Reservation, ReservationBatch, UnreadableMessage } from '../core/contracts/messages.ts'
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

/** Places what a batch of messages carries: one transaction, then Redis is told, then they may be acknowledged. */
export async function placeBatch(deps: PlacingDeps, bodies: Buffer[]): Promise<Outcome[]> {
  const read = bodies.map((body) => readReservations(body, deps.log))
  const reservations = read.flatMap((message) => message.reservations)
  if (reservations.length > 0) {
    const verdicts = await placeOrders(deps.database, reservations, deps.rules)
    deps.onPlaced(verdicts)
    await tellStock(deps.stock, verdicts, deps.log)
  }
  return read.map((message) => (message.isWhole ? 'ACK' : 'DEAD_LETTER'))
}

/**
 * What of a message can be read. A message that is not whole goes to the dead letters, with the neighbours of what is
 * wrong in it: they are placed all the same, and would be taken for duplicates if the message were sent back.
 */
function readReservations(body: Buffer, log: Logger): { reservations: Reservation[]; isWhole: boolean } {
  try {
    const { reservations: carried } = decode(ReservationBatch, body)
    const reservations = carried.flatMap((one) => Reservation.safeParse(one).data ?? [])
    const isWhole = reservations.length === carried.length
    if (!isWhole) log.error({ unreadable: carried.length - reservations.length, readable: reservations.length }, 'message is not whole, to the dead letters')
    return { reservations, isWhole }
  } catch (error) {
    if (!(error instanceof UnreadableMessage)) throw error
    log.error({ err: error.message }, 'unreadable message, to the dead letters')
    return { reservations: [], isWhole: false }
  }
}
