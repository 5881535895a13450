import type { OrderStatus, SagaState } from '../../prisma/generated/client.ts'
import type { SagaEventType } from '../contracts/messages.ts'
import { Prisma, type Transaction } from '../platform/database.ts'
import { appendToOutbox, orderEvent } from './outbox.ts'
import { FAILURES, failureOf, isFailure, type Move, moveOf, type Named } from './saga-chain.ts'
import { type ChangedOrder, changedOrder } from './transitions.ts'

/**
 * The only writer of an order's saga once it has begun. Every step is written while its order's row is held, so that
 * steps, transitions and the check-back take turns, and tells of itself through the outbox in the same transaction.
 */

export interface Held {
  status: OrderStatus
  /** Null when the order has none: it names neither coupon nor points. */
  state: SagaState | null
  reason: string | null
}

/** Holds the order until the transaction ends, then reads: what a statement sees is settled before it waits. */
export async function holdOrder(tx: Transaction, orderId: string): Promise<Held | undefined> {
  await tx.$queryRaw`SELECT id FROM orders WHERE id = ${orderId}::uuid FOR UPDATE`
  const [held] = await tx.$queryRaw<Held[]>`
    SELECT o.status, s.state, s.reason FROM orders o LEFT JOIN sagas s ON s.order_id = o.id WHERE o.id = ${orderId}::uuid`
  return held
}

/** Whether a step forwards may happen, which nobody takes from the caller until the transaction ends. */
export async function mayGoOn(tx: Transaction, orderId: string): Promise<boolean> {
  const held = await holdOrder(tx, orderId)
  return held?.state === 'RUNNING' && held.status === 'PENDING_PAYMENT'
}

export interface Step {
  orderId: string
  named: Named
  type: SagaEventType
  /** By which what is to pay falls. */
  offCents?: number
}

/**
 * A step has happened, or failed: writes it down and tells of it. Undefined when the saga, or its order, has gone
 * elsewhere meanwhile; then the step must not have happened either.
 * @param sagaMs how long going back may take before it is told again
 */
export async function reportStep(tx: Transaction, { orderId, named, type, offCents = 0 }: Step, sagaMs: number): Promise<ChangedOrder | undefined> {
  await holdOrder(tx, orderId)
  return move(tx, orderId, type, moveOf(type, named), { offCents, sagaMs })
}

/** Risk control takes back a paid order. One that named nothing has had no saga so far: it was done from the beginning. */
export async function veto(tx: Transaction, orderId: string, sagaMs: number): Promise<ChangedOrder | undefined> {
  await holdOrder(tx, orderId)
  await tx.$executeRaw`
    INSERT INTO sagas (order_id, sale_id, state, step, started_at, due_at)
    SELECT id, sale_id, 'DONE', 'order.created', created_at, now() FROM orders WHERE id = ${orderId}::uuid AND status = 'PAID'
    ON CONFLICT DO NOTHING`
  return reportStep(tx, { orderId, named: { couponCode: null, points: 0 }, type: 'order.vetoed' }, sagaMs)
}

/**
 * For a saga that is past its time: one that still goes forwards is turned round, which is the fence that a late step
 * meets; one that goes back is told its failure again, under a new sequence. Undefined when neither is called for any more.
 */
export async function checkBack(tx: Transaction, orderId: string, sagaMs: number): Promise<ChangedOrder | undefined> {
  const held = await holdOrder(tx, orderId)
  const isOverdue = Prisma.sql`AND due_at <= now()`
  if (held?.state === 'RUNNING') return move(tx, orderId, 'order.saga-expired', moveOf('order.saga-expired', { couponCode: null, points: 0 }), { sagaMs, condition: isOverdue })
  const failure = failureOf(held?.reason ?? '')
  if (held?.state !== 'COMPENSATING' || !failure) return undefined
  const stays: Move = { from: 'COMPENSATING', to: 'COMPENSATING', orderIs: ['PENDING_PAYMENT', 'PAID', 'CANCELLED', 'REFUNDED'] }
  return move(tx, orderId, failure, stays, { sagaMs, condition: isOverdue })
}

/** Everything is undone, or on its way to be: the order has ended. */
export async function closeSaga(tx: Transaction, orderId: string): Promise<void> {
  await tx.$executeRaw`UPDATE sagas SET state = 'COMPENSATED', updated_at = now() WHERE order_id = ${orderId}::uuid AND state <> 'COMPENSATED'`
}

interface Changes { sagaMs: number; offCents?: number; condition?: Prisma.Sql }

async function move(
  tx: Transaction, orderId: string, type: SagaEventType, { from, to, orderIs }: Move, { sagaMs, offCents = 0, condition = Prisma.empty }: Changes,
): Promise<ChangedOrder | undefined> {
  const reason = isFailure(type) ? FAILURES[type] : null
  const [changed] = await tx.$queryRaw<ChangedOrder[]>`
    WITH saga AS (
      UPDATE sagas SET state = ${to}::saga_state, step = ${type}, reason = coalesce(${reason}, reason), updated_at = now(),
        due_at = CASE WHEN ${reason}::text IS NULL THEN due_at ELSE now() + ${sagaMs} * interval '1 ms' END
      WHERE order_id = ${orderId}::uuid AND state = ${from}::saga_state ${condition}
        AND EXISTS (SELECT FROM orders WHERE id = ${orderId}::uuid AND status = ANY(${orderIs}::order_status[]))
      RETURNING order_id
    )
    UPDATE orders o SET sequence = sequence + 1, amount_cents = amount_cents - ${offCents}::int
    FROM saga WHERE o.id = saga.order_id
    RETURNING ${changedOrder}`
  if (!changed) return undefined
  const { id: _, ...order } = changed
  await appendToOutbox(tx, [orderEvent({ ...order, type, orderId, ...(reason && { reason }) })])
  return changed
}
