import { setTimeout as delay } from 'node:timers/promises'
import type { Registry } from 'prom-client'
import { type Incoming, readIncoming } from '../../core/contracts/set-aside.ts'
import { subscriberQueues } from '../../core/contracts/subscriber-topology.ts'
import { subscribe } from '../../core/orders/inbox.ts'
import type { Closers } from '../../core/platform/closers.ts'
import { connectDatabase } from '../../core/platform/database.ts'
import { isOutage } from '../../core/platform/outage.ts'
import { consumeBatches } from '../../core/platform/rabbit/batch-consumer.ts'
import { createPublisher, type Publisher } from '../../core/platform/rabbit/publisher.ts'
import { handleEvents, type HandlingDeps } from './handle-events.ts'
import type { SubscriberMetrics } from './metrics.ts'
import { type AsideDeps, holdBack, park } from './set-aside.ts'
import { type Subscriber, type Tools, TryAgain } from './subscriber.ts'

/** Events of one transaction. */
const BATCH_MAX = 100
const CONFIRM_TIMEOUT_MS = 4_000
const BROKER_LIMIT_MS = 15_000

export interface RunOptions {
  tools: Tools
  closers: Closers
  metrics: SubscriberMetrics
  /** Where dead letters are counted. */
  registry: Registry
}

/**
 * Runs one subscriber on means of its own: connections to broker and database, queues, dead letters. It may be slow, or
 * fail, and no other one notices. @returns whether it is at work.
 */
export async function runSubscriber(subscriber: Subscriber, options: RunOptions): Promise<() => boolean> {
  const { closers, tools } = options
  const { config, log } = tools
  const { name } = subscriber
  const queues = subscriberQueues(name, config.SUBSCRIBER_PARTITIONS, subscriber.events)
  const broker = { url: config.RABBITMQ_URL, log }
  const database = connectDatabase(config.DATABASE_URL, { connections: config.SUBSCRIBER_PARTITIONS, statementTimeoutMs: 5_000 })
  closers.add(`database of ${name}`, () => database.$disconnect())
  const publisher = await createPublisher({ ...broker, name: `${name} publisher`, topology: queues.topology, confirmTimeoutMs: CONFIRM_TIMEOUT_MS })
  closers.add(`publisher of ${name}`, () => publisher.close())
  await bound(publisher)
  const subscription = await subscribe(database, name)

  const aside: AsideDeps = { queues, publisher, waitMs: config.PREDECESSOR_WAIT_SECONDS * 1_000 }
  const handle = (items: Incoming[]) => handleIncoming({ subscriber, subscription, database, tools }, aside, options.metrics, items)
  const consumers = await Promise.all(queues.partitions.map(async (queue) => consumeBatches({
    ...broker, name: queue, topology: queues.partitionTopology(queue), queue, batchMax: BATCH_MAX, unpack: readIncoming, handle, isFutile, metrics: options.registry,
    graveyard: { topology: queues.deadLetterTopology, exchange: '', routingKey: queues.deadLetters },
  })))
  closers.add(`consumers of ${name}`, () => Promise.all(consumers.map((consumer) => consumer.close())))
  return () => publisher.isReady() && consumers.every((consumer) => consumer.isUp())
}

async function handleIncoming(deps: HandlingDeps, aside: AsideDeps, { count, lag }: SubscriberMetrics, items: Incoming[]): Promise<void> {
  const { name } = deps.subscriber
  const known = items.filter((item) => item.isKnown)
  const heldTimes = new Map(known.map(({ event, heldTimes }) => [event.eventId, heldTimes]))
  const { fresh, passed, early } = await handleEvents(deps, known.map(({ event }) => event))
  count(name, 'HANDLED', fresh.length)
  count(name, 'PASSED', passed)
  lag(name, fresh)
  const setAside = [
    ...early.map((event) => holdBack(aside, event, heldTimes.get(event.eventId) ?? 0)),
    ...items.flatMap((item) => item.isKnown ? [] : [park(aside, item.event, 'UNKNOWN_VERSION')]),
  ]
  for (const outcome of await Promise.all(setAside)) {
    count(name, outcome, 1)
    if (outcome !== 'HELD') deps.tools.log.error({ subscriber: name, reason: outcome }, 'event parked; once the reason is mended: npm run resend')
  }
}

/** What is neither an outage nor said to pass by itself would fail again, and for ever stand in the way of what follows. */
const isFutile = (error: unknown) => !(error instanceof TryAgain || isOutage(error))

/** The publisher is ready once it has declared, and so bound, the queues. */
async function bound(publisher: Publisher): Promise<void> {
  for (const sinceMs = Date.now(); !publisher.isReady(); await delay(50)) {
    if (Date.now() - sinceMs > BROKER_LIMIT_MS) throw new Error(`RabbitMQ was not ready within ${BROKER_LIMIT_MS} ms; is RABBITMQ_URL right, and the plugin rabbitmq_consistent_hash_exchange enabled?`)
  }
}
