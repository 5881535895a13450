import { rootOf } from '../core/contracts/trace-context.ts'
import { CANCELLATIONS } from '../core/contracts/timeout-topology.ts'
import { decode, readEach, TimeoutMessage, type Unpacked } from '../core/contracts/messages.ts'
import { OrderId } from '../core/contracts/values.ts'
import { settleEnded } from '../core/orders/settle-ended.ts'
import { cancelUnpaid, type ChangedOrder } from '../core/orders/transitions.ts'
import type { Database } from '../core/platform/stores/database.ts'
import { failpoint } from '../core/platform/process/failpoint.ts'
import type { Logger } from '../core/platform/process/log.ts'
import { batchOf, databaseCall, messaging } from '../core/platform/tracing/conventions.ts'
import { step, type Trace, traceBatch } from '../core/platform/tracing/trace.ts'
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
  await traceBatch(
    (trace) => cancelThenRelease(deps, orderIds, trace),
    (cancelled) => describe(orderIds, cancelled),
  )
}

async function cancelThenRelease(
  deps: CancelDeps,
  orderIds: string[],
  trace: Trace | undefined,
): Promise<ChangedOrder[]> {
  failpoint('cancelling.beforeUpdate')
  const cancelled = await step(trace, TRANSACTION, () => cancelUnpaid(deps.database, orderIds))
  if (cancelled.length === 0) return cancelled
  failpoint('cancelling.beforeRelease')
  deps.onCancelled(cancelled.length)
  try {
    await step(trace, RELEASE, () =>
      settleEnded(
        deps,
        cancelled.map((order) => order.id),
      ),
    )
  } catch (error) {
    deps.log.warn({ err: error, orders: cancelled.length }, 'units not released yet; the sweeper will do it')
  }
  return cancelled
}

const TRANSACTION = databaseCall('postgresql', 'cancel orders')
const RELEASE = databaseCall('redis', 'release units')

/** Timeout messages name orders only; their reservations are known once they are cancelled. */
function describe(orderIds: string[], cancelled: ChangedOrder[] = []) {
  const items = cancelled.map(({ id, reservationId }) => ({
    parent: rootOf(reservationId),
    describe: () => messaging('process', CANCELLATIONS, { 'shop.order.id': id, 'shop.outcome': 'CANCELLED' }),
  }))
  return { ...messaging('process', CANCELLATIONS, batchOf(orderIds)), items }
}
