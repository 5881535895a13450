import { randomUUID } from 'node:crypto'
import { ORDER_EVENT_VERSION, type OrderEvent, ORDERS_PER_TIMEOUT_MAX, type TimeoutMessage, traceparentOf } from '../contracts/messages.ts'
import { Prisma, type Transaction } from '../platform/database.ts'
import { slicesOf } from '../platform/slices.ts'

/** A message to be sent once the transaction that wrote it has committed. */
export type OutboxMessage =
  | { destination: 'events'; message: OrderEvent }
  | { destination: 'timeouts'; message: TimeoutMessage }

/** The messages of one transaction: a row for each of them would cost more than the orders they tell of. */
export interface OutboxEntry {
  id: bigint
  messages: OutboxMessage[]
}

type EventFields = Omit<OrderEvent, 'v' | 'eventId' | 'orderedAt' | 'at' | 'traceparent'> & { orderedAt: Date; at: Date }

export function orderEvent({ orderedAt, at, ...fields }: EventFields): OutboxMessage {
  const eventId = randomUUID()
  const traceparent = traceparentOf({ orderId: fields.orderId, eventId })
  const times = { orderedAt: orderedAt.toISOString(), at: at.toISOString() }
  return { destination: 'events', message: { v: ORDER_EVENT_VERSION, eventId, ...fields, ...times, traceparent } }
}

/** For orders of one deadline: as few messages as may carry them. */
export function timeoutMessages(orderIds: string[]): OutboxMessage[] {
  return slicesOf(orderIds, ORDERS_PER_TIMEOUT_MAX).map((some) => ({ destination: 'timeouts', message: { v: 2, orderIds: some } }))
}

/** For the statement that writes the change which the messages tell of. */
export function insertIntoOutbox(messages: OutboxMessage[]): Prisma.Sql {
  return Prisma.sql`INSERT INTO outbox (size, messages) VALUES (${messages.length}, ${JSON.stringify(messages)}::json)`
}

/** Belongs in the transaction of the change that the messages tell of. */
export async function appendToOutbox(tx: Transaction, messages: OutboxMessage[]): Promise<void> {
  if (messages.length > 0) await tx.$executeRaw(insertIntoOutbox(messages))
}

/** One relay at a time: two would overtake each other, and an order's events must leave in their order. */
const RELAY_LOCK = 7_350_001

/**
 * The oldest entries, up to the one that makes their messages `most`, held until the transaction ends; none while another
 * relay is at work. The lock comes in a statement of its own: what a statement sees is settled before it waits or asks.
 */
export async function lockOldestEntries(tx: Transaction, most: number): Promise<OutboxEntry[]> {
  const [lock] = await tx.$queryRaw<{ locked: boolean }[]>`SELECT pg_try_advisory_xact_lock(${RELAY_LOCK}) AS locked`
  if (!lock?.locked) return []
  return tx.$queryRaw<OutboxEntry[]>`
    SELECT id, messages FROM (
      SELECT id, messages, sum(size) OVER (ORDER BY id) - size AS before FROM (SELECT * FROM outbox ORDER BY id LIMIT ${most}) AS oldest
    ) AS counted WHERE before < ${most} ORDER BY id`
}

export async function deleteEntries(tx: Transaction, ids: bigint[]): Promise<void> {
  if (ids.length > 0) await tx.$executeRaw`DELETE FROM outbox WHERE id = ANY(${ids}::bigint[])`
}

/** Leaves in an entry what is still to be sent. */
export async function shrinkEntry(tx: Transaction, { id, messages }: OutboxEntry): Promise<void> {
  await tx.$executeRaw`UPDATE outbox SET size = ${messages.length}, messages = ${JSON.stringify(messages)}::json WHERE id = ${id}`
}
