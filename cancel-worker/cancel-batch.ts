import { decode, readEach, TimeoutMessage, type Unpacked } from '../core/contracts/messages.ts'
import { OrderId } from '../core/contracts/values.ts'
import { settleEnded } from '../core/orders/settle-ended.ts'
import { cancelUnpaid } from '../core/orders/transitions.ts'
import type { Database } from '../core/platform/stores/database.ts'
import { failpoint } from '../core/platform/process/failpoint.ts'
import type { Logger } from '../core/platform/process/log.ts'
import type { Stock } from '../core/stock/stock.ts'

export interface CancelDeps {
  database: Database
  stock: Stock
  log: Logger
  onCancelled: (count: number) => void
}

/** @throws UnreadableMessage */
export function readOrderIds(body: Buffer): Unpacked<string> {
  return readEach(OrderId, decode(TimeoutMessage, body).orderIds)
}

/**
 * Cancels those of the orders that are unpaid and past their deadline, and releases their units. An order that was paid
 * meanwhile is not matched by the UPDATE; one whose deadline has not passed by the database's clock is left to the
 * sweeper. Database first, Redis second: after a crash in between, units are missing in Redis until the sweeper runs.
 */
export async function cancelAndRelease(deps: CancelDeps, orderIds: string[]): Promise<void> {
  failpoint('cancelling.beforeUpdate')
  const cancelled = await cancelUnpaid(deps.database, orderIds)
  if (cancelled.length === 0) return
  failpoint('cancelling.beforeRelease')
  deps.onCancelled(cancelled.length)
  try {
    await settleEnded(
      deps,
      cancelled.map((order) => order.id),
    )
  } catch (error) {
    deps.log.warn({ err: error, orders: cancelled.length }, 'units not released yet; the sweeper will do it')
  }
}
