import { randomUUID } from 'node:crypto'
import { connect } from 'amqplib'
import type { OrderEvent, OrderEventType } from '../../core/contracts/messages.ts'
import { eventSpan, traceparentOf } from '../../core/contracts/trace-context.ts'
import { sourcesOf, type SubscriberQueues, subscriberQueues } from '../../core/contracts/subscriber-topology.ts'
import { eventTopology, SEQUENCED, SEQUENCED_EVENTS } from '../../core/contracts/topology.ts'
import { eventMessages } from '../../core/orders/event-messages.ts'
import { subscribe } from '../../core/orders/inbox.ts'
import { Closers } from '../../core/platform/process/closers.ts'
import { parseConfig } from '../../core/platform/process/config.ts'
import { createLog } from '../../core/platform/process/log.ts'
import { Loops } from '../../core/platform/process/loops.ts'
import { createMetrics } from '../../core/platform/process/metrics.ts'
import { declare } from '../../core/platform/rabbit/declare.ts'
import { createPublisher, type Outgoing, type Publisher } from '../../core/platform/rabbit/publisher.ts'
import { SubscribersConfig } from '../../subscribers/runtime/config.ts'
import { subscriberMetrics } from '../../subscribers/runtime/metrics.ts'
import { runSubscriber } from '../../subscribers/runtime/run-subscriber.ts'
import type { Subscriber } from '../../subscribers/runtime/subscriber.ts'
import { eventually } from './eventually.ts'
import { lengthOf, publishTo } from './queues.ts'
import { createWorld, type World } from './world.ts'

const log = createLog('test', process.env.TEST_LOG_LEVEL ?? 'silent')
/** Waits for a predecessor longer than any test lasts. */
const SETTINGS = { SUBSCRIBER_PARTITIONS: '2', PREDECESSOR_WAIT_SECONDS: '3600', LOG_LEVEL: 'silent' }
/** For tests in which a predecessor never comes: short enough to see events parked. */
export const PARKING = { PREDECESSOR_WAIT_SECONDS: '1' }
/** Events on their way to the broker at a time. */
const UNCONFIRMED_MAX = 100

/** The order topic without the shop: the test publishes events as the outbox relay does. */
export class Subscriptions {
  readonly world: World
  readonly env: Record<string, string>
  readonly #publisher: Publisher
  readonly #running: Closers[] = []

  private constructor(world: World, publisher: Publisher, settings: Record<string, string>) {
    this.world = world
    this.#publisher = publisher
    this.env = {
      ...SETTINGS,
      ...settings,
      DATABASE_URL: world.databaseUrl,
      REDIS_URL: world.redisUrl,
      REDIS_KEY_PREFIX: world.keyPrefix,
      RABBITMQ_URL: world.rabbitmqUrl,
    }
  }

  static async open(settings: Record<string, string> = {}): Promise<Subscriptions> {
    const world = await createWorld()
    const publisher = await createPublisher({
      url: world.rabbitmqUrl,
      name: 'test',
      log,
      topology: eventTopology,
      confirmTimeoutMs: 10_000,
    })
    await eventually(
      'the publisher',
      () => publisher.isReady(),
      (isReady) => isReady,
    )
    return new Subscriptions(world, publisher, settings)
  }

  /** Runs the subscriber in this process. @returns a function that stops it */
  async run(subscriber: Subscriber, settings: Record<string, string> = {}): Promise<() => Promise<void>> {
    const closers = new Closers(log)
    this.#running.push(closers)
    const config = parseConfig(SubscribersConfig, { ...this.env, ...settings })
    const registry = createMetrics('test')
    const metrics = subscriberMetrics(registry)
    const isConsuming = await runSubscriber(subscriber, {
      closers,
      loops: new Loops(log, registry),
      metrics,
      registry,
      tools: { config, redis: this.world.redis, log },
    })
    await eventually(`${subscriber.name} to consume`, isConsuming, Boolean)
    return () => closers.closeAll()
  }

  /** Declares the queues and the subscription, as if the subscriber had run before. */
  async declare(name: string): Promise<void> {
    const connection = await connect(this.world.rabbitmqUrl)
    await declare(
      connection,
      subscriberQueues(name, this.queues(name).partitions.length, sourcesOf('orders', ['reservation.rejected']))
        .topology,
      log,
    )
    await connection.close()
    const interest = { follows: 'orders', entered: [] } as const
    await subscribe(this.world.database, name, this.queues(name).partitions.length, interest)
  }

  /** Sends one new order to each partition; the process that handles it owns the partition. @returns the order ids */
  async sendToEach(name: string): Promise<(string | null)[]> {
    const sent = this.queues(name).partitions.map((queue) => ({ queue, event: history(['order.created'])[0] }))
    for (const { queue, event } of sent) await publishTo(this.world, '', queue, JSON.stringify(event))
    return sent.map(({ event }) => event?.orderId ?? null)
  }

  /** Publishes in sequence, each event in a message of its own, and waits for its confirm. */
  async publish(...events: OrderEvent[]): Promise<void> {
    for (const event of events) await this.publishTogether([event])
  }

  /** Likewise, faster: events that wait for a stopped subscriber need not arrive one at a time. */
  async publishBacklog(events: OrderEvent[]): Promise<void> {
    for (let i = 0; i < events.length; i += UNCONFIRMED_MAX)
      await Promise.all(events.slice(i, i + UNCONFIRMED_MAX).map((event) => this.publishTogether([event])))
  }

  /** In as few messages as the relay makes of them. */
  async publishTogether(events: OrderEvent[]): Promise<void> {
    await Promise.all(eventMessages(events).map((message) => this.send(message)))
  }

  /** To every subscriber that follows orders. */
  async publishRaw(correlationId: string, body: unknown): Promise<void> {
    await this.send({
      exchange: SEQUENCED_EVENTS,
      routingKey: SEQUENCED.plain,
      messageId: randomUUID(),
      correlationId,
      body,
    })
  }

  /** Sends again what may not have arrived, as the relay does: a busy test may miss its heartbeat and lose its link. */
  async send(message: Outgoing): Promise<void> {
    const outcome = await eventually(
      'the broker to confirm',
      () => this.#publisher.publish({ ...message, mandatory: false }),
      (known) => known !== 'UNKNOWN',
    )
    if (outcome !== 'CONFIRMED') throw new Error(`Expected CONFIRMED by the broker, got ${outcome}`)
  }

  queues(name: string): SubscriberQueues {
    return subscriberQueues(name, Number(this.env.SUBSCRIBER_PARTITIONS), [])
  }

  /** Number of messages in all partitions. */
  async backlog(name: string): Promise<number> {
    const lengths = await Promise.all(this.queues(name).partitions.map((queue) => lengthOf(this.world, queue)))
    return lengths.reduce((sum, length) => sum + length, 0)
  }

  async close(): Promise<void> {
    for (const closers of this.#running) await closers.closeAll()
    await this.#publisher.close()
    await this.world.close()
  }
}

/** The events of a new order, with these types in this order. */
export function history(types: OrderEventType[], changes: Partial<OrderEvent> = {}): OrderEvent[] {
  const orderId = changes.orderId ?? randomUUID()
  const now = new Date().toISOString()
  return types.map((type, i): OrderEvent => {
    const eventId = randomUUID()
    return {
      v: 3,
      eventId,
      type,
      orderId,
      reservationId: `sale.${orderId}`,
      saleId: 'sale',
      buyerId: `buyer-${orderId}`,
      quantity: 1,
      amountCents: 1_000,
      couponCode: null,
      points: 0,
      sequence: i + 1,
      orderedAt: now,
      at: now,
      traceparent: traceparentOf(eventSpan({ reservationId: `sale.${orderId}`, eventId })),
      ...changes,
    }
  })
}
