import { ORDER_EVENTS } from '../core/contracts/topology.ts'
import { deleteEntries, lockOldestEntries, type StoredEntry } from '../core/orders/outbox.ts'
import type { Database } from '../core/platform/database.ts'
import type { DelayTransport } from '../core/platform/rabbit/delay.ts'
import type { Outgoing, Publisher } from '../core/platform/rabbit/publisher.ts'

/** Entries of one transaction; it stays open until the broker has confirmed them. */
const BATCH_MAX = 500

/**
 * Publishes what waits in the outbox, oldest first, and deletes what the broker confirmed; a crash in between sends
 * again, which every consumer takes. @returns whether there is more to do right now.
 */
export async function relayOutbox(database: Database, publisher: Publisher, delay: DelayTransport): Promise<boolean> {
  if (!publisher.isReady()) return false
  return database.$transaction(async (tx) => {
    const entries = await lockOldestEntries(tx, BATCH_MAX)
    const outcomes = await Promise.all(entries.map((stored) => publisher.publish(address(stored, delay))))
    const done = entries.filter((_, i) => outcomes[i] === 'CONFIRMED').map((stored) => stored.id)
    await deleteEntries(tx, done)
    return done.length === BATCH_MAX
  })
}

function address({ entry, messageId }: StoredEntry, delay: DelayTransport): Outgoing {
  return entry.destination === 'events'
    // Nobody need listen to the topic, so an event that no queue wants is not an error.
    ? { exchange: ORDER_EVENTS, routingKey: entry.message.type, messageId, body: entry.message, mandatory: false }
    : { ...delay.route, messageId, body: entry.message }
}
