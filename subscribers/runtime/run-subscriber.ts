import { setTimeout as delay } from 'node:timers/promises'
import type { Registry } from 'prom-client'
import type { OrderEvent } from '../../core/contracts/messages.ts'
import { type Incoming, packIncoming, readIncoming } from '../../core/contracts/set-aside.ts'
import {
  PARTITIONS_MAX,
  sourcesOf,
  type SubscriberQueues,
  subscriberQueues,
} from '../../core/contracts/subscriber-topology.ts'
import { eventSpan } from '../../core/contracts/trace-context.ts'
import { subscribe } from '../../core/orders/inbox.ts'
import { slicesOf } from '../../core/platform/batches/divide.ts'
import type { Closers } from '../../core/platform/process/closers.ts'
import { connectDatabase } from '../../core/platform/stores/connect-database.ts'
import type { Database } from '../../core/platform/stores/database.ts'
import { databaseAnswers } from '../../core/platform/stores/database-check.ts'
import type { Loops } from '../../core/platform/process/loops.ts'
import type { Logger } from '../../core/platform/process/log.ts'
import { isOutage } from '../../core/platform/stores/outage.ts'
import { consumeBatches } from '../../core/platform/rabbit/batch-consumer.ts'
import { createPublisher, type Publisher } from '../../core/platform/rabbit/publisher.ts'
import { batchOf, messaging } from '../../core/platform/tracing/conventions.ts'
import { traceBatch } from '../../core/platform/tracing/trace.ts'
import { waitForServer } from '../../core/platform/stores/wait-for-server.ts'
import { connectionsFor } from './config.ts'
import { type Handled, handleEvents, type HandlingDeps } from './handle-events.ts'
import { join } from './membership.ts'
import type { SubscriberMetrics } from './metrics.ts'
import { PartitionConsumers } from './partition-consumers.ts'
import { type AsideDeps, hold, park } from './set-aside.ts'
import { interestOf, type Subscriber, type Tools, TryAgain } from './subscriber.ts'

const CONFIRM_TIMEOUT_MS = 4_000
/** A transaction costs as much as twenty events. */
const GATHER_MS = 100
/** How often the log says what is waited for. */
const SAY_EVERY_MS = 5_000
const PAUSE_MS = 200

export interface RunOptions {
  tools: Tools
  loops: Loops
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
  const { closers, tools, loops } = options
  const { config, log } = tools
  const { name, events, follows = 'orders' } = subscriber
  const broker = { url: config.RABBITMQ_URL, log }
  // One for each partition that is being handled; unused ones are not opened.
  const database = connectDatabase(config.DATABASE_URL, {
    connections: connectionsFor(PARTITIONS_MAX),
    statementTimeoutMs: 5_000,
  })
  closers.add(`database of ${name}`, () => database.$disconnect())
  const postgres = { name: 'PostgreSQL', variable: 'DATABASE_URL', log }
  const partitions = await waitForServer(postgres, () => partitionsOf(database, name, tools))
  const queues = subscriberQueues(name, partitions, sourcesOf(follows, events))
  const publisher = await createPublisher({
    ...broker,
    name: `${name} publisher`,
    topology: queues.topology,
    confirmTimeoutMs: CONFIRM_TIMEOUT_MS,
  })
  closers.add(`publisher of ${name}`, () => publisher.close())
  await bound(publisher, name, log)
  const subscription = await waitForServer(postgres, () =>
    subscribe(database, name, partitions, interestOf(subscriber)),
  )

  const isAway = async () => tools.redis.status !== 'ready' || !(await databaseAnswers(database))
  const aside: AsideDeps = { queues, publisher, waitMs: config.PREDECESSOR_WAIT_SECONDS * 1_000 }
  const consumers = new PartitionConsumers({
    queues,
    consume: (queue, topology) =>
      consumeBatches({
        ...broker,
        name: queue,
        topology,
        queue,
        batchMax: config.SUBSCRIBER_BATCH_MAX,
        gatherMs: GATHER_MS,
        unpack: readIncoming,
        pack: packIncoming,
        async handle(items) {
          const handling = { subscriber, subscription, database, tools }
          // A message is taken whole, and may carry more than one transaction is to handle.
          for (const some of slicesOf(items, config.SUBSCRIBER_BATCH_MAX))
            await handleIncoming(handling, aside, options.metrics, some)
        },
        isFutile,
        isAway,
        metrics: options.registry,
        deadLetterTarget: { topology: queues.deadLetterTopology, exchange: '', routingKey: queues.deadLetters },
      }),
  })
  const membership = await join(database, consumers, name, { log, loops })
  closers.add(`consumers of ${name}`, async () => {
    await membership.close()
    await consumers.close()
    await membership.leave()
  })
  return () => publisher.isReady() && consumers.isUp()
}

/** Waits while the backlog is being moved: what is moved must not be handled out of its order. */
async function partitionsOf(database: Database, name: string, { config, log }: Tools): Promise<number> {
  for (let saidAt = -Infinity; ; await delay(PAUSE_MS)) {
    const subscription = await database.subscription.findUnique({ where: { name } })
    if (!subscription) return config.SUBSCRIBER_PARTITIONS
    const { partitions, spreadOver } = subscription
    if (spreadOver === null) return partitions
    if (Date.now() - saidAt < SAY_EVERY_MS) continue
    saidAt = Date.now()
    log.warn(`Waiting until the backlog of ${name} is moved; if interrupted: npm run spread -- ${name}`)
  }
}

async function handleIncoming(
  deps: HandlingDeps,
  aside: AsideDeps,
  { count, lag }: SubscriberMetrics,
  items: Incoming[],
): Promise<void> {
  const { name } = deps.subscriber
  const known = items.filter((item) => item.isKnown)
  const heldTimes = new Map(known.map(({ event, heldTimes }) => [event.eventId, heldTimes]))
  const events = known.map(({ event }) => event)
  const { fresh, passed, early, forgotten } = await traceBatch(
    () => handleEvents(deps, events),
    (handled) => describe(name, aside.queues, events, handled),
  )
  count(name, 'HANDLED', fresh.length)
  count(name, 'PASSED', passed)
  lag(name, fresh)
  const setAside = [
    ...early.map((event) => hold(aside, event, heldTimes.get(event.eventId) ?? 0)),
    ...forgotten.map((event) => park(aside, event, 'FORGOTTEN')),
    ...items.flatMap((item) => (item.isKnown ? [] : [park(aside, item.event, 'UNKNOWN_VERSION')])),
  ]
  for (const outcome of await Promise.all(setAside)) {
    count(name, outcome, 1)
    if (outcome !== 'HELD')
      deps.tools.log.error(
        { subscriber: name, reason: outcome },
        `event parked; once the reason is mended: npm run dead-letters -- --of ${name} --parked --send-back --all`,
      )
  }
}

/** The effect of each event, or that it had none, under the span of the event. */
function describe(name: string, { exchange }: SubscriberQueues, events: OrderEvent[], handled?: Handled) {
  const fresh = new Set(handled?.fresh)
  const early = new Set(handled?.early)
  const items = events.map((event) => ({
    parent: eventSpan(event),
    describe: () =>
      messaging('process', `${event.type} by ${name}`, {
        'messaging.destination.name': exchange,
        'messaging.message.id': event.eventId,
        'shop.order.id': event.orderId ?? undefined,
        'shop.effect': fresh.has(event) ? 'HANDLED' : early.has(event) ? 'HELD' : 'NONE',
      }),
  }))
  return { ...messaging('process', exchange, batchOf(events)), items }
}

/**
 * What is neither an outage nor said to pass by itself would fail again, and for ever stand in the way of what follows.
 */
const isFutile = (error: unknown) => !(error instanceof TryAgain || isOutage(error))

/** The publisher is ready once it has declared, and so bound, the queues. Waits for the broker as long as it takes. */
async function bound(publisher: Publisher, name: string, log: Logger): Promise<void> {
  for (let saidAt = Date.now(); !publisher.isReady(); await delay(50)) {
    if (Date.now() - saidAt < SAY_EVERY_MS) continue
    saidAt = Date.now()
    log.warn(
      `Waiting for RabbitMQ of RABBITMQ_URL to make the queues of ${name}. It needs the plugin rabbitmq_consistent_hash_exchange.`,
    )
  }
}
