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
  type Turn,
  turnAfter,
} from './saga-chain.ts'
import { type ChangedOrder, changedOrder, lockOrders, payFree } from './transitions.ts'

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

/** Locks the orders, then reads them in another statement: the snapshot of a statement is older than its locks. */
export async function lockAndReadOrders(tx: Transaction, orderIds: OrderId[]): Promise<SagaOfOrder[]> {
  await lockOrders(tx, orderIds)
  return tx.$queryRaw<SagaOfOrder[]>`
    SELECT o.id, o.status, s.state, s.reason FROM orders o LEFT JOIN sagas s ON s.order_id = o.id
    WHERE o.id = ANY(${orderIds}::uuid[])`
}

/**
 * The events after which it is that party's turn. Their orders are locked all at once, so that reportSteps need not
 * lock others (deadlock). Of steps forwards only those that may still happen; the locks keep that true until the
 * transaction ends.
 */
export async function turnsOf(
  tx: Transaction,
  party: Turn['of'],
  events: OrderEvent[],
): Promise<Record<'forwards' | 'backwards', OrderEvent[]>> {
  const turns = (direction: Turn['direction']) =>
    events.filter((event) => {
      const turn = turnAfter(event)
      return turn?.of === party && turn.direction === direction
    })
  const [forwards, backwards] = [turns('FORWARDS'), turns('BACKWARDS')]
  if (forwards.length + backwards.length === 0) return { forwards, backwards }
  const orders = await lockAndReadOrders(
    tx,
    [...forwards, ...backwards].map(({ orderId }) => orderId),
  )
  const goingOn = new Set<OrderId>(orders.filter(mayGoOn).map(({ id }) => id))
  return { forwards: forwards.filter(({ orderId }) => goingOn.has(orderId)), backwards }
}

const mayGoOn = ({ state, status }: SagaOfOrder) => state === 'RUNNING' && status === 'PENDING_PAYMENT'

/** The event because of which it has happened or failed, and what it takes off the amount to pay. */
type Step = Named & Pick<OrderEvent, 'orderId'> & { offCents?: number }

/**
 * Writes steps of orders that turnsOf has locked, and their own events. A step backwards whose saga, or order, has
 * moved on meanwhile writes nothing.
 * @param sagaMs how long the compensation may take before it is repeated
 */
export async function reportSteps(tx: Transaction, type: SagaEventType, steps: Step[], sagaMs: number): Promise<void> {
  const moves = steps.map((step) => ({ ...step, ...moveOf(type, step) }))
  const moved = await move(tx, type, moves, { sagaMs })
  // Coupon and points may have taken off all of it.
  const free = moved.filter(({ amountCents }) => amountCents === 0)
  await payFree(
    tx,
    free.map(({ id }) => id),
  )
}

/**
 * Risk control takes back a paid order. An order without coupon and points has had no saga: it gets one that is done.
 */
export async function veto(tx: Transaction, { orderId, ...event }: OrderEvent, sagaMs: number): Promise<void> {
  await lockOrders(tx, [orderId])
  await tx.$executeRaw`
    INSERT INTO sagas (order_id, sale_id, state, step, started_at, due_at)
    SELECT id, sale_id, 'DONE', 'order.created', created_at, now() FROM orders
    WHERE id = ${orderId}::uuid AND status = 'PAID'
    ON CONFLICT DO NOTHING`
  await move(tx, 'order.vetoed', [{ orderId, ...moveOf('order.vetoed', event) }], { sagaMs })
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
  const [order] = await lockAndReadOrders(tx, [orderId])
  const moved = async (type: SagaEventType, how: Move) =>
    (await move(tx, type, [{ orderId, ...how }], { sagaMs, condition: Prisma.sql`AND due_at <= now()` })).length > 0
  if (order?.state === 'RUNNING') {
    const hasExpired = await moved('order.saga-expired', moveOf('order.saga-expired', NOTHING))
    return hasExpired ? 'expired' : undefined
  }
  const failure = order?.state === 'COMPENSATING' ? failureOf(order.reason) : undefined
  return failure && (await moved(failure, GOING_BACK)) ? 'repeated' : undefined
}

/** Closes the sagas of those of the orders that have ended: what they had taken has gone back, or is about to. */
export async function closeSagas(tx: Transaction, orderIds: OrderId[]): Promise<void> {
  await tx.$executeRaw`
    UPDATE sagas SET state = 'COMPENSATED', updated_at = now()
    WHERE order_id = ANY(${orderIds}::uuid[]) AND state <> 'COMPENSATED'
      AND EXISTS (SELECT FROM orders WHERE id = order_id AND status IN ('CANCELLED', 'REFUNDED'))`
}

interface MoveOfOrder extends Move {
  orderId: OrderId
  offCents?: number
}

/** @returns the orders that were moved; their rows are locked already. */
async function move(
  tx: Transaction,
  type: SagaEventType,
  moves: MoveOfOrder[],
  { sagaMs, condition = Prisma.empty }: { sagaMs: number; condition?: Prisma.Sql },
): Promise<ChangedOrder[]> {
  const [any] = moves
  if (!any) return []
  const reason = isFailure(type) ? FAILURES[type] : null
  const changed = await tx.$queryRaw<ChangedOrder[]>`
    WITH saga AS (
      UPDATE sagas SET state = going.state_then, step = ${type}, reason = coalesce(${reason}, reason),
        updated_at = now(), due_at = CASE WHEN ${reason}::text IS NULL THEN due_at
          ELSE now() + greatest(${sagaMs} * interval '1 ms', 2 * (due_at - updated_at)) END
      FROM unnest(
        ${moves.map(({ orderId }) => orderId)}::uuid[], ${moves.map(({ to }) => to)}::saga_state[],
        ${moves.map(({ offCents = 0 }) => offCents)}::int[]
      ) AS going (id, state_then, off_cents)
      WHERE order_id = going.id AND state = ${any.from}::saga_state ${condition}
        AND EXISTS (SELECT FROM orders WHERE id = going.id AND status = ANY(${any.orderIs}::order_status[]))
      RETURNING order_id, off_cents
    )
    UPDATE orders o SET sequence = sequence + 1, amount_cents = amount_cents - off_cents
    FROM saga WHERE o.id = saga.order_id
    RETURNING ${changedOrder}`
  if (changed.length === 0) return []
  failpoint('saga.beforeEvent')
  await appendToOutbox(
    tx,
    changed.map(({ id, ...order }) => orderEvent({ ...order, type, orderId: id, ...(reason && { reason }) })),
  )
  return changed
}
