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
 * The only writer of an order's saga once it has begun. Every step is written while its order's row is held, so that
 * steps, transitions and the check-back take turns, and tells of itself through the outbox in the same transaction.
 */

/** Null stands for an order that does not exist. */
type OrderId = OrderEvent['orderId']

export interface Held {
  id: string
  status: OrderStatus
  /** Null when the order has no saga: it names neither coupon nor points. */
  state: SagaState | null
  reason: FailureReason | null
}

/** Until the transaction ends, in the order of their ids. */
async function lockOrders(tx: Transaction, orderIds: OrderId[]): Promise<void> {
  await tx.$queryRaw`SELECT id FROM orders WHERE id = ANY(${orderIds}::uuid[]) ORDER BY id FOR UPDATE`
}

/** Locks the orders, then reads them: what a statement sees is settled before it waits. */
export async function holdOrders(tx: Transaction, orderIds: OrderId[]): Promise<Held[]> {
  await lockOrders(tx, orderIds)
  return tx.$queryRaw<Held[]>`
    SELECT o.id, o.status, s.state, s.reason FROM orders o LEFT JOIN sagas s ON s.order_id = o.id WHERE o.id = ANY(${orderIds}::uuid[])`
}

async function holdOrder(tx: Transaction, orderId: OrderId): Promise<Held | undefined> {
  const [held] = await holdOrders(tx, [orderId])
  return held
}

/**
 * In which a batch may hold their orders: two that hold the same ones wait for each other in a line and not in a
 * circle.
 */
export const byOrder = (events: OrderEvent[]): OrderEvent[] =>
  events.toSorted((one, other) =>
    (one.orderId ?? '') < (other.orderId ?? '') ? -1 : Number(one.orderId !== other.orderId),
  )

/** Whether a step forwards may happen, which nobody takes from the caller until the transaction ends. */
export async function mayGoOn(tx: Transaction, orderId: OrderId): Promise<boolean> {
  const held = await holdOrder(tx, orderId)
  return held?.state === 'RUNNING' && held.status === 'PENDING_PAYMENT'
}

/**
 * A step has happened, or failed, because of that event: writes it down and tells of it. Undefined when the saga, or
 * its order, has gone elsewhere meanwhile: a step forwards must then not have happened either (see mayGoOn).
 * @param changes offCents: by which what is to pay falls; sagaMs: how long going back may take before it is told again
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
 * Risk control takes back a paid order. One that names nothing has had no saga so far: it was done from the beginning.
 */
export async function veto(tx: Transaction, event: OrderEvent, sagaMs: number): Promise<ChangedOrder | undefined> {
  await lockOrders(tx, [event.orderId])
  await tx.$executeRaw`
    INSERT INTO sagas (order_id, sale_id, state, step, started_at, due_at)
    SELECT id, sale_id, 'DONE', 'order.created', created_at, now() FROM orders WHERE id = ${event.orderId}::uuid AND status = 'PAID'
    ON CONFLICT DO NOTHING`
  return move(tx, event.orderId, 'order.vetoed', moveOf('order.vetoed', event), { sagaMs })
}

const NOTHING: Named = { couponCode: null, points: 0 }

/**
 * For a saga that is past its time: one that still goes forwards is turned round, which is the fence that a late step
 * meets; one that goes back is told its failure again, under a new sequence, and after twice as long the next time:
 * where somebody has to mend something, every telling is parked behind the one that failed. Undefined when neither is
 * called for any more.
 */
export async function askBack(
  tx: Transaction,
  orderId: string,
  sagaMs: number,
): Promise<'called off' | 'told again' | undefined> {
  const held = await holdOrder(tx, orderId)
  const onlyOverdue = { sagaMs, condition: Prisma.sql`AND due_at <= now()` }
  const failure =
    held?.state === 'RUNNING'
      ? 'order.saga-expired'
      : held?.state === 'COMPENSATING'
        ? failureOf(held.reason)
        : undefined
  if (!failure) return undefined
  const asked = await move(
    tx,
    orderId,
    failure,
    held?.state === 'RUNNING' ? moveOf(failure, NOTHING) : GOING_BACK,
    onlyOverdue,
  )
  return asked && (held?.state === 'RUNNING' ? 'called off' : 'told again')
}

/** Closes the sagas of those of the orders that have ended: what they held has gone back, or is about to. */
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
      UPDATE sagas SET state = ${to}::saga_state, step = ${type}, reason = coalesce(${reason}, reason), updated_at = now(),
        due_at = CASE WHEN ${reason}::text IS NULL THEN due_at ELSE now() + greatest(${sagaMs} * interval '1 ms', 2 * (due_at - updated_at)) END
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
