import type { OrderView } from '../../core/contracts/http.ts'
import { settleEnded, type SettlingDeps } from '../../core/orders/settle-ended.ts'
import { cancelForBuyer } from '../../core/orders/transitions.ts'
import { readOrder } from './read-order.ts'

export interface CancellingDeps extends SettlingDeps {
  /** Called when something waits in the outbox. */
  onChange: () => void
}

export type Cancellation =
  | { outcome: 'CANCELLED'; order: OrderView }
  | { outcome: 'NOT_CANCELLABLE'; status: OrderView['status'] }
  | { outcome: 'UNKNOWN_ORDER' }

/** Cancels the buyer's unpaid order and gives its unit back; an order that is cancelled already stays so. */
export async function cancelOrder(deps: CancellingDeps, orderId: string, buyerId: string): Promise<Cancellation> {
  const changed = await cancelForBuyer(deps.database, orderId, buyerId)
  if (changed.length > 0) {
    deps.onChange()
    await release(deps, orderId)
  }
  const order = await readOrder(deps.database, orderId, buyerId)
  if (!order) return { outcome: 'UNKNOWN_ORDER' }
  return order.status === 'CANCELLED'
    ? { outcome: 'CANCELLED', order }
    : { outcome: 'NOT_CANCELLABLE', status: order.status }
}

/** A failure leaves the order cancelled; the cancel worker's sweeper releases its unit later. */
async function release(deps: CancellingDeps, orderId: string): Promise<void> {
  try {
    await settleEnded(deps, [orderId])
  } catch (error) {
    deps.log.warn({ err: error, orderId }, 'unit not released yet; the sweeper will do it')
  }
}
