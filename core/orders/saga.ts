import type { OrderStatus, SagaState } from '../../prisma/generated/client.ts'
import type { OrderEvent, SagaEventType } from '../contracts/messages.ts'
import { Prisma, type Transaction } from '../platform/stores/database.ts'
import { failpoint } from '../platform/process/failpoint.ts'
import { appendToOutbox, orderEvent } from './outbox.ts'
import {
  FAILURES,
  failureOf,
  type FailureReason,
  GOING_BACK,
  isFailure,
  type Move,
  moveOf,
  type Named,
} from './saga-chain.ts'
import { type ChangedOrder, changedOrder, payFree } from './transitions.ts'

/**
 * The only writer of an order's saga once it has begun. Every step is written under the lock of its order's row, so
 * that steps, transitions and the check-back take turns, and writes its event to the outbox in the same transaction.
 */

/** Null stands for an order that does not exist. */
type OrderId = OrderEvent['orderId']

export interface SagaOfOrder {
  id: string
  status: OrderStatus
  /** Null when the order has no saga: it names neither coupon nor points. */
  state: SagaState | null
  reason: FailureReason | null
}

/** Until the transaction ends; sorted, so that concurrent transactions cannot deadlock. */
async function lockOrders(tx: Transaction, orderIds: OrderId[]): Promise<void> {
  await tx.$queryRaw`SELECT id FROM orders WHERE id = ANY(${orderIds}::uuid[]) ORDER BY id FOR UPDATE`
}

/** Locks the orders, then reads them in another statement: the snapshot of a statement is older than its locks. */
export async function lockAndReadOrders(tx: Transaction, orderIds: OrderId[]): Promise<SagaOfOrder[]> {
  await lockOrders(tx, orderIds)
  return tx.$queryRaw<SagaOfOrder[]>`
    SELECT o.id, o.status, s.state, s.reason FROM orders o LEFT JOIN sagas s ON s.order_id = o.id
    WHERE o.id = ANY(${orderIds}::uuid[])`
}

async function lockAndReadOrder(tx: Transaction, orderId: OrderId): Promise<SagaOfOrder | undefined> {
  const [order] = await lockAndReadOrders(tx, [orderId])
  return order
}

/** Sorted by order, so that concurrent batches that lock the same orders cannot deadlock. */
export const byOrder = (events: OrderEvent[]): OrderEvent[] =>
  events.toSorted((one, other) =>
    (one.orderId ?? '') < (other.orderId ?? '') ? -1 : Number(one.orderId !== other.orderId),
  )

/** Whether a step forwards may happen; the lock keeps the answer true until the transaction ends. */
export async function mayGoOn(tx: Transaction, orderId: OrderId): Promise<boolean> {
  const order = await lockAndReadOrder(tx, orderId)
  return order?.state === 'RUNNING' && order.status === 'PENDING_PAYMENT'
}

/**
 * Writes a step that has happened, or failed, because of that event, and its own event. Undefined when the saga, or its
 * order, has moved on meanwhile: a step forwards must then not have happened either (see mayGoOn).
 * @param changes offCents: taken off the amount to pay; sagaMs: how long the compensation may take before it is
 * repeated
 */
export async function reportStep(
  tx: Transaction,
  event: Named & Pick<OrderEvent, 'orderId'>,
  type: SagaEventType,
  changes: { sagaMs: number; offCents?: number },
): Promise<ChangedOrder | undefined> {
  await lockOrders(tx, [event.orderId])
  const moved = await move(tx, event.orderId, type, moveOf(type, event), changes)
  // Coupon and points may have taken off all of it.
  if (moved?.amountCents === 0) await payFree(tx, [moved.id])
  return moved
}

/**
 * Risk control takes back a paid order. An order without coupon and points has had no saga: it gets one that is done.
 */
export async function veto(tx: Transaction, event: OrderEvent, sagaMs: number): Promise<ChangedOrder | undefined> {
  await lockOrders(tx, [event.orderId])
  await tx.$executeRaw`
    INSERT INTO sagas (order_id, sale_id, state, step, started_at, due_at)
    SELECT id, sale_id, 'DONE', 'order.created', created_at, now() FROM orders
    WHERE id = ${event.orderId}::uuid AND status = 'PAID'
    ON CONFLICT DO NOTHING`
  return move(tx, event.orderId, 'order.vetoed', moveOf('order.vetoed', event), { sagaMs })
}

const NOTHING: Named = { couponCode: null, points: 0 }

/**
 * The check-back for a saga that is overdue. A running saga is compensated from here on, which is the fence that a late
 * step meets. One that is being compensated has its failure repeated as a new event, with an exponential back-off:
 * where an operator has to mend a subscriber, every repeat is parked behind the event that failed. Undefined when the
 * saga is not overdue any more.
 */
export async function checkBackOn(
  tx: Transaction,
  orderId: string,
  sagaMs: number,
): Promise<'expired' | 'repeated' | undefined> {
  const { state, reason = null } = (await lockAndReadOrder(tx, orderId)) ?? {}
  const onlyOverdue = { sagaMs, condition: Prisma.sql`AND due_at <= now()` }
  if (state === 'RUNNING') {
    const expired = await move(tx, orderId, 'order.saga-expired', moveOf('order.saga-expired', NOTHING), onlyOverdue)
    return expired && 'expired'
  }
  const failure = state === 'COMPENSATING' ? failureOf(reason) : undefined
  if (!failure) return undefined
  return (await move(tx, orderId, failure, GOING_BACK, onlyOverdue)) && 'repeated'
}

/** Closes the sagas of those of the orders that have ended: what they had taken has gone back, or is about to. */
export async function closeSagas(tx: Transaction, orderIds: OrderId[]): Promise<void> {
  await tx.$executeRaw`
    UPDATE sagas SET state = 'COMPENSATED', updated_at = now()
    WHERE order_id = ANY(${orderIds}::uuid[]) AND state <> 'COMPENSATED'
      AND EXISTS (SELECT FROM orders WHERE id = order_id AND status IN ('CANCELLED', 'REFUNDED'))`
}

interface Changes {
  sagaMs: number
  offCents?: number
  condition?: Prisma.Sql
}

async function move(
  tx: Transaction,
  orderId: OrderId,
  type: SagaEventType,
  { from, to, orderIs }: Move,
  { sagaMs, offCents = 0, condition = Prisma.empty }: Changes,
): Promise<ChangedOrder | undefined> {
  const reason = isFailure(type) ? FAILURES[type] : null
  const [changed] = await tx.$queryRaw<ChangedOrder[]>`
    WITH saga AS (
      UPDATE sagas SET state = ${to}::saga_state, step = ${type}, reason = coalesce(${reason}, reason),
        updated_at = now(), due_at = CASE WHEN ${reason}::text IS NULL THEN due_at
          ELSE now() + greatest(${sagaMs} * interval '1 ms', 2 * (due_at - updated_at)) END
      WHERE order_id = ${orderId}::uuid AND state = ${from}::saga_state ${condition}
        AND EXISTS (SELECT FROM orders WHERE id = ${orderId}::uuid AND status = ANY(${orderIs}::order_status[]))
      RETURNING order_id
    )
    UPDATE orders o SET sequence = sequence + 1, amount_cents = amount_cents - ${offCents}::int
    FROM saga WHERE o.id = saga.order_id
    RETURNING ${changedOrder}`
  if (!changed) return undefined
  failpoint('saga.beforeEvent')
  const { id, ...order } = changed
  await appendToOutbox(tx, [orderEvent({ ...order, type, orderId: id, ...(reason && { reason }) })])
  return changed
}
