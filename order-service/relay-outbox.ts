import { ORDER_EVENTS } from '../core/contracts/topology.ts'
import {
  deleteEntries,
  isOutboxDue,
  lockOldestEntries,
  type OutboxEntry,
  type OutboxRest,
  shrinkEntries,
} from './outbox-entries.ts'
import type { OutboxMessage } from '../core/orders/outbox.ts'
import type { Database } from '../core/platform/stores/database.ts'
import { failpoint } from '../core/platform/process/failpoint.ts'
import type { DelayTransport } from '../core/platform/rabbit/delay.ts'
import type { Outgoing, Publisher } from '../core/platform/rabbit/publisher.ts'

/** Messages per transaction, which stays open until the broker has confirmed them; entries are not split. */
const BATCH_MAX = 1_000

export interface RelayDeps {
  database: Database
  publisher: Publisher
  delay: DelayTransport
  /** Called with the number of entries with messages that the broker refused, because a queue is full. */
  onRefused: (entries: number) => void
}

/**
 * Publishes the outbox, oldest entries first, and deletes what the broker confirmed (at-least-once: a crash in between
 * publishes again, and every consumer is idempotent).
 * @returns whether more entries can be published right now
 */
export async function relayOutbox({ database, publisher, delay, onRefused }: RelayDeps): Promise<boolean> {
  if (!publisher.isReady() || !(await isOutboxDue(database))) return false
  return database.$transaction(async (tx) => {
    const entries = await lockOldestEntries(tx, BATCH_MAX)
    if (entries.length > 0) failpoint('relay.beforePublish')
    const results = await Promise.all(entries.map((entry) => send(entry, publisher, delay)))
    const unsent = results.filter(({ messages }) => messages.length > 0)
    const sent = results.filter(({ messages }) => messages.length === 0)
    await deleteEntries(
      tx,
      sent.map(({ id }) => id),
    )
    // Rare: keep only the unconfirmed messages of an entry.
    await shrinkEntries(tx, unsent)
    const refused = unsent.filter(({ isRefused }) => isRefused)
    if (refused.length > 0) onRefused(refused.length)
    if (entries.length > 0) failpoint('relay.beforeCommit')
    return (
      unsent.every(({ isRefused }) => isRefused) &&
      entries.reduce((sum, entry) => sum + entry.messages.length, 0) >= BATCH_MAX
    )
  })
}

/** @returns the entry with the messages that the broker did not confirm */
async function send({ id, messages }: OutboxEntry, publisher: Publisher, delay: DelayTransport): Promise<OutboxRest> {
  const outcomes = await Promise.all(messages.map((message) => publisher.publish(address(message, delay))))
  return {
    id,
    messages: messages.filter((_, i) => outcomes[i] !== 'CONFIRMED'),
    isRefused: outcomes.includes('REFUSED'),
  }
}

function address({ destination, message }: OutboxMessage, delay: DelayTransport): Outgoing {
  return destination === 'events'
    ? // Not mandatory: the topic may have no subscriber. The correlation id is the partition key.
      {
        exchange: ORDER_EVENTS,
        routingKey: message.type,
        messageId: message.eventId,
        correlationId: message.orderId ?? message.reservationId,
        body: message,
        mandatory: false,
      }
    : { ...delay.route, messageId: `timeout:${message.orderIds[0]}`, body: message }
}
