import { randomUUID } from 'node:crypto'
import {
  ORDER_EVENT_VERSION,
  type OrderEvent,
  ORDERS_PER_TIMEOUT_MAX,
  type TimeoutMessage,
  traceparentOf,
} from '../contracts/messages.ts'
import { type Database, Prisma, type Transaction } from '../platform/stores/database.ts'
import { slicesOf } from '../platform/batches/slices.ts'

/** A message to be sent once the transaction that wrote it has committed. */
export type OutboxMessage =
  | { destination: 'events'; message: OrderEvent }
  | { destination: 'timeouts'; message: TimeoutMessage }

/** The messages of one transaction: a row for each of them would cost more than the orders they tell of. */
export interface OutboxEntry {
  id: bigint
  messages: OutboxMessage[]
}

type EventFields = Omit<OrderEvent, 'v' | 'eventId' | 'orderedAt' | 'at' | 'traceparent'> & {
  orderedAt: Date
  at: Date
}

export function orderEvent({ orderedAt, at, ...fields }: EventFields): OutboxMessage {
  const eventId = randomUUID()
  const traceparent = traceparentOf({ orderId: fields.orderId, eventId })
  const times = { orderedAt: orderedAt.toISOString(), at: at.toISOString() }
  return { destination: 'events', message: { v: ORDER_EVENT_VERSION, eventId, ...fields, ...times, traceparent } }
}

/** For orders of one deadline: as few messages as may carry them. */
export function timeoutMessages(orderIds: string[]): OutboxMessage[] {
  return slicesOf(orderIds, ORDERS_PER_TIMEOUT_MAX).map((some) => ({
    destination: 'timeouts',
    message: { v: 2, orderIds: some },
  }))
}

/** For the statement that writes the change which the messages tell of. */
export function insertIntoOutbox(messages: OutboxMessage[]): Prisma.Sql {
  return Prisma.sql`INSERT INTO outbox (size, messages) VALUES (${messages.length}, ${JSON.stringify(messages)}::json)`
}

/** Belongs in the transaction of the change that the messages tell of. */
export async function appendToOutbox(tx: Transaction, messages: OutboxMessage[]): Promise<void> {
  if (messages.length > 0) await tx.$executeRaw(insertIntoOutbox(messages))
}

/** An entry whose messages were refused is tried again after this long. */
const REFUSED_REST_MS = 5_000

/**
 * Whether anything is to be sent now. Asked first, since it takes one statement where the relay's transaction takes
 * four.
 */
export async function isOutboxDue(database: Database): Promise<boolean> {
  const [found] = await database.$queryRaw<{ due: boolean }[]>`
    SELECT EXISTS (SELECT FROM outbox WHERE refused_at IS NULL OR refused_at < now() - ${REFUSED_REST_MS} * interval '1 ms') AS due`
  return found?.due === true
}

/** One relay at a time: two would overtake each other, and an order's events must leave in their order. */
const RELAY_LOCK = 7_350_001

/**
 * The oldest entries, up to the one that makes their messages `most`, held until the transaction ends; none while
 * another relay is at work. Entries that were refused come last: a full queue must not keep the messages for other
 * queues waiting. The lock comes in a statement of its own: what a statement sees is settled before it waits or asks.
 */
export async function lockOldestEntries(tx: Transaction, most: number): Promise<OutboxEntry[]> {
  const [lock] = await tx.$queryRaw<{ locked: boolean }[]>`SELECT pg_try_advisory_xact_lock(${RELAY_LOCK}) AS locked`
  if (!lock?.locked) return []
  return tx.$queryRaw<OutboxEntry[]>`
    SELECT id, messages FROM (
      SELECT id, messages, refused_at, sum(size) OVER (ORDER BY refused_at NULLS FIRST, id) - size AS before FROM (
        (SELECT * FROM outbox WHERE refused_at IS NULL ORDER BY id LIMIT ${most})
        UNION ALL
        (SELECT * FROM outbox WHERE refused_at < now() - ${REFUSED_REST_MS} * interval '1 ms' ORDER BY refused_at, id LIMIT ${most})
      ) AS due
    ) AS counted WHERE before < ${most} ORDER BY refused_at NULLS FIRST, id`
}

export async function deleteEntries(tx: Transaction, ids: bigint[]): Promise<void> {
  if (ids.length > 0) await tx.$executeRaw`DELETE FROM outbox WHERE id = ANY(${ids}::bigint[])`
}

/** What is left of an entry. */
export interface OutboxRest extends OutboxEntry {
  /** The broker refused some of it: it is sent again a little later. */
  isRefused: boolean
}

/** Leaves in entries what is still to be sent. One statement: a full queue may refuse a thousand of them in one run. */
export async function shrinkEntries(tx: Transaction, rests: OutboxRest[]): Promise<void> {
  if (rests.length === 0) return
  const rows = JSON.stringify(
    rests.map(({ id, messages, isRefused }) => ({
      id: Number(id),
      size: messages.length,
      messages,
      refused: isRefused,
    })),
  )
  await tx.$executeRaw`
    UPDATE outbox SET size = rest.size, messages = rest.messages, refused_at = CASE WHEN rest.refused THEN now() ELSE refused_at END
    FROM json_to_recordset(${rows}::json) AS rest(id bigint, size int, messages json, refused boolean) WHERE outbox.id = rest.id`
}
