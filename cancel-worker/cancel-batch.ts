import { decode, TimeoutMessage, UnreadableMessage } from '../core/contracts/messages.ts'
import { releaseCancelled } from '../core/orders/release-cancelled.ts'
import { cancelUnpaid } from '../core/orders/transitions.ts'
import type { Database } from '../core/platform/database.ts'
import type { Logger } from '../core/platform/log.ts'
import type { Outcome } from '../core/platform/rabbit/batch-consumer.ts'
import type { Stock } from '../core/stock/stock.ts'

export interface CancelDeps {
  database: Database
  stock: Stock
  log: Logger
  onCancelled: (count: number) => void
}

/**
 * Handles timeout messages whose wait is over. An order that was paid meanwhile is simply not matched by the UPDATE; one
 * whose deadline has not come by the database's clock is left to the sweeper.
 */
export async function cancelBatch(deps: CancelDeps, bodies: Buffer[]): Promise<Outcome[]> {
  const orderIds = bodies.map((body) => readOrderId(body, deps.log))
  await cancelAndRelease(deps, orderIds.filter((orderId) => orderId !== undefined))
  return orderIds.map((orderId) => (orderId ? 'ACK' : 'DEAD_LETTER'))
}

/** Database first, Redis second: a crash in between undersells until the sweeper has passed. */
export async function cancelAndRelease(deps: CancelDeps, orderIds: string[]): Promise<void> {
  const cancelled = await cancelUnpaid(deps.database, orderIds)
  if (cancelled.length === 0) return
  deps.onCancelled(cancelled.length)
  try {
    await releaseCancelled(deps, cancelled.map((order) => order.id))
  } catch (error) {
    deps.log.warn({ err: error, orders: cancelled.length }, 'units not given back yet; the sweeper will')
  }
}

function readOrderId(body: Buffer, log: Logger): string | undefined {
  try {
    return decode(TimeoutMessage, body).orderId
  } catch (error) {
    if (!(error instanceof UnreadableMessage)) throw error
    log.error({ err: error.message }, 'unreadable timeout message, to the dead letters')
    return undefined
  }
}
