import { randomUUID } from 'node:crypto'
import { Prisma, type Transaction } from '../platform/database.ts'
import type { OrderEvent, TimeoutMessage } from '../contracts/messages.ts'

/** A message to be sent once the transaction that wrote it has committed. */
export type OutboxEntry =
  | { destination: 'events'; message: OrderEvent }
  | { destination: 'timeouts'; message: TimeoutMessage }

export interface StoredEntry {
  id: bigint
  messageId: string
  entry: OutboxEntry
}

type EventFields = Omit<OrderEvent, 'v' | 'eventId' | 'at'> & { at: Date }

export function orderEvent({ at, ...fields }: EventFields): OutboxEntry {
  return { destination: 'events', message: { v: 1, eventId: randomUUID(), ...fields, at: at.toISOString() } }
}

export function timeoutMessage(orderId: string): OutboxEntry {
  return { destination: 'timeouts', message: { v: 1, orderId } }
}

/** Belongs in the transaction of the change that the messages tell of. */
export async function appendToOutbox(tx: Transaction, entries: OutboxEntry[]): Promise<void> {
  if (entries.length === 0) return
  const messageIds = entries.map((entry) => entry.destination === 'events' ? entry.message.eventId : `timeout:${entry.message.orderId}`)
  await tx.$executeRaw`
    INSERT INTO outbox (destination, message_id, body)
    SELECT * FROM unnest(
      ${entries.map((entry) => entry.destination)}::text[],
      ${messageIds}::text[],
      ${entries.map((entry) => JSON.stringify(entry.message))}::jsonb[])`
}

/** One relay at a time: two would overtake each other, and an order's events must leave in their order. */
const RELAY_LOCK = 7_350_001

/** The oldest entries, held until the transaction ends; none while another relay is at work. */
export async function lockOldestEntries(tx: Transaction, most: number): Promise<StoredEntry[]> {
  const [lock] = await tx.$queryRaw<{ locked: boolean }[]>`SELECT pg_try_advisory_xact_lock(${RELAY_LOCK}) AS locked`
  if (!lock?.locked) return []
  const rows = await tx.$queryRaw<{ id: bigint; destination: string; message_id: string; body: unknown }[]>`
    SELECT id, destination, message_id, body FROM outbox ORDER BY id LIMIT ${most}`
  return rows.map((row) => ({
    id: row.id,
    messageId: row.message_id,
    entry: { destination: row.destination, message: row.body } as OutboxEntry,
  }))
}

export async function deleteEntries(tx: Transaction, ids: bigint[]): Promise<void> {
  if (ids.length > 0) await tx.$executeRaw`DELETE FROM outbox WHERE id IN (${Prisma.join(ids)})`
}
