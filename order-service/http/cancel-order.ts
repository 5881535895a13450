import type { OrderView } from '../../core/contracts/orders.ts'
import { settleEnded, type SettlingDeps } from '../../core/orders/settle-ended.ts'
import { cancelForBuyer } from '../../core/orders/transitions.ts'
import { readOrder, type StoredOrder } from './read-order.ts'

export interface CancellingDeps extends SettlingDeps {
  /** Called when the outbox has a new entry. */
  onChange: () => void
}

export type Cancellation =
  | { outcome: 'CANCELLED'; order: StoredOrder }
  | { outcome: 'NOT_CANCELLABLE'; status: OrderView['status'] }
  | { outcome: 'UNKNOWN_ORDER' }

/** Cancels the buyer's unpaid order and releases its units. Idempotent. */
export async function cancelOrder(deps: CancellingDeps, orderId: string, buyerId: string): Promise<Cancellation> {
  const changed = await cancelForBuyer(deps.database, orderId, buyerId)
  if (changed.length > 0) {
    deps.onChange()
    await releaseUnits(deps, orderId)
  }
  const order = await readOrder(deps.database, orderId, buyerId)
  if (!order) return { outcome: 'UNKNOWN_ORDER' }
  return order.status === 'CANCELLED'
    ? { outcome: 'CANCELLED', order }
    : { outcome: 'NOT_CANCELLABLE', status: order.status }
}

/** A failure does not undo the cancellation: the cancel worker's sweeper retries the release. */
async function releaseUnits(deps: CancellingDeps, orderId: string): Promise<void> {
  try {
    await settleEnded(deps, [orderId])
  } catch (error) {
    deps.log.warn({ err: error, orderId }, 'releasing the units of a cancelled order failed; the sweeper will retry')
  }
}
