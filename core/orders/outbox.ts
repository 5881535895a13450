import { randomUUID } from 'node:crypto'
import {
  ORDER_EVENT_VERSION,
  type OrderEvent,
  ORDERS_PER_TIMEOUT_MAX,
  type TimeoutMessage,
} from '../contracts/messages.ts'
import { eventSpan, traceparentOf } from '../contracts/trace-context.ts'
import { Prisma, type Transaction } from '../platform/stores/database.ts'
import { slicesOf } from '../platform/batches/divide.ts'

/** A message to be published once the transaction that wrote it has committed. */
export type OutboxMessage =
  | { destination: 'events'; message: OrderEvent }
  | { destination: 'timeouts'; message: TimeoutMessage }

type EventFields = Omit<OrderEvent, 'v' | 'eventId' | 'orderedAt' | 'at' | 'traceparent'> & {
  orderedAt: Date
  at: Date
}

export function orderEvent({ orderedAt, at, ...fields }: EventFields): OutboxMessage {
  const eventId = randomUUID()
  const traceparent = traceparentOf(eventSpan({ ...fields, eventId }))
  const times = { orderedAt: orderedAt.toISOString(), at: at.toISOString() }
  return { destination: 'events', message: { v: ORDER_EVENT_VERSION, eventId, ...fields, ...times, traceparent } }
}

/** For orders of one deadline, in as few messages as possible. */
export function timeoutMessages(orderIds: string[]): OutboxMessage[] {
  return slicesOf(orderIds, ORDERS_PER_TIMEOUT_MAX).map((some) => ({
    destination: 'timeouts',
    message: { v: 2, orderIds: some },
  }))
}

/** Part of the statement that writes the change which the messages announce. */
export function insertIntoOutbox(messages: OutboxMessage[]): Prisma.Sql {
  return Prisma.sql`INSERT INTO outbox (size, messages) VALUES (${messages.length}, ${JSON.stringify(messages)}::json)`
}

/** To be called in the transaction of the change that the messages announce. */
export async function appendToOutbox(tx: Transaction, messages: OutboxMessage[]): Promise<void> {
  if (messages.length > 0) await tx.$executeRaw(insertIntoOutbox(messages))
}
