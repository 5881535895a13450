import type { OrderEvent } from '../core/contracts/messages.ts'
import { ORDER_EVENTS } from '../core/contracts/topology.ts'
import { eventSpan, rootOf } from '../core/contracts/trace-context.ts'
import { eventMessages } from '../core/orders/event-messages.ts'
import { deleteEntries, isOutboxDue, lockOldestEntries, type OutboxRest, shrinkEntries } from './outbox-entries.ts'
import type { OutboxMessage } from '../core/orders/outbox.ts'
import type { Database } from '../core/platform/stores/database.ts'
import { failpoint } from '../core/platform/process/failpoint.ts'
import type { DelayTransport } from '../core/platform/rabbit/delay.ts'
import type { Outgoing, Publisher, PublishOutcome } from '../core/platform/rabbit/publisher.ts'
import { batchOf, messaging } from '../core/platform/tracing/conventions.ts'
import { traceBatch } from '../core/platform/tracing/trace.ts'

/** Messages per transaction, which stays open until the broker has confirmed them; entries are not split. */
const BATCH_MAX = 1_000

export interface RelayDeps {
  database: Database
  publisher: Publisher
  delay: DelayTransport
  /** Called with the number of entries with messages that the broker refused, because a queue is full. */
  onRefused: (entries: number) => void
}

/** `IDLE`: nothing was to be published, or nothing could be. `MORE`: more entries can be published right now. */
export type RelayOutcome = 'IDLE' | 'DONE' | 'MORE'

/**
 * Publishes the outbox, oldest entries first, the events of many entries in few messages, and deletes what the broker
 * confirmed (at-least-once: a crash in between publishes again, and every consumer is idempotent).
 */
export async function relayOutbox({ database, publisher, delay, onRefused }: RelayDeps): Promise<RelayOutcome> {
  if (!publisher.isReady() || !(await isOutboxDue(database))) return 'IDLE'
  return database.$transaction(async (tx) => {
    const entries = await lockOldestEntries(tx, BATCH_MAX)
    if (entries.length === 0) return 'IDLE'
    failpoint('relay.beforePublish')
    const all = entries.flatMap(({ messages }) => messages)
    const failures = await traceBatch(
      async (trace) => {
        const failed = await publishAll(all, publisher, delay)
        if (failed.size > 0) trace?.failed(`${failed.size} messages not confirmed`)
        return failed
      },
      (failed) => describe(all, failed),
    )
    const results = entries.map(({ id, messages }) => restOf(id, messages, failures))
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
    failpoint('relay.beforeCommit')
    const isMore =
      unsent.every(({ isRefused }) => isRefused) &&
      entries.reduce((sum, entry) => sum + entry.messages.length, 0) >= BATCH_MAX
    return isMore ? 'MORE' : 'DONE'
  })
}

type Failures = Map<OutboxMessage, Exclude<PublishOutcome, 'CONFIRMED'>>

/** @returns those that the broker did not confirm, which then are to be published again in every message */
async function publishAll(all: OutboxMessage[], publisher: Publisher, delay: DelayTransport): Promise<Failures> {
  const failures: Failures = new Map()
  await Promise.all(
    toPublish(all, delay).map(async ({ outgoing, carries }) => {
      const outcome = await publisher.publish(outgoing)
      if (outcome === 'CONFIRMED') return
      for (const message of carries) if (failures.get(message) !== 'REFUSED') failures.set(message, outcome)
    }),
  )
  return failures
}

/** An event that is published has the span that its traceparent names, the parent of its effects. */
function describe(all: OutboxMessage[], failed?: Failures) {
  const items = all.flatMap((each) => {
    if (each.destination === 'timeouts') return []
    const { type, eventId, orderId, reservationId } = each.message
    return {
      parent: rootOf(reservationId),
      ...(!failed?.has(each) && { spanId: eventSpan(each.message).spanId }),
      describe: () =>
        messaging('send', type, {
          'messaging.destination.name': ORDER_EVENTS,
          'messaging.rabbitmq.destination.routing_key': type,
          'messaging.message.id': eventId,
          'shop.order.id': orderId ?? undefined,
          'shop.outcome': failed?.get(each) ?? 'CONFIRMED',
        }),
    }
  })
  return { ...messaging('send', 'outbox', batchOf(all)), items }
}

function toPublish(all: OutboxMessage[], delay: DelayTransport): { outgoing: Outgoing; carries: OutboxMessage[] }[] {
  const ofEvent = new Map<OrderEvent, OutboxMessage>()
  const timeouts: { outgoing: Outgoing; carries: OutboxMessage[] }[] = []
  for (const message of all) {
    if (message.destination === 'events') ofEvent.set(message.message, message)
    else {
      const messageId = `timeout:${message.message.orderIds[0]}`
      timeouts.push({ outgoing: { ...delay.route, messageId, body: message.message }, carries: [message] })
    }
  }
  const events = eventMessages([...ofEvent.keys()]).map((message) => ({
    // Not mandatory: the topics may have no subscriber.
    outgoing: { ...message, mandatory: false },
    carries: message.body.events.flatMap((event) => ofEvent.get(event) ?? []),
  }))
  return [...events, ...timeouts]
}

function restOf(id: bigint, all: OutboxMessage[], failures: Failures): OutboxRest {
  const messages = all.filter((message) => failures.has(message))
  return { id, messages, isRefused: messages.some((message) => failures.get(message) === 'REFUSED') }
}
