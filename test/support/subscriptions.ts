import { randomUUID } from 'node:crypto'
import { connect } from 'amqplib'
import { type OrderEvent, type OrderEventType, traceparentOf } from '../../core/contracts/messages.ts'
import { type SubscriberQueues, subscriberQueues } from '../../core/contracts/subscriber-topology.ts'
import { eventTopology, ORDER_EVENTS } from '../../core/contracts/topology.ts'
import { subscribe } from '../../core/orders/inbox.ts'
import { Closers } from '../../core/platform/process/closers.ts'
import { parseConfig } from '../../core/platform/process/config.ts'
import { createLog } from '../../core/platform/process/log.ts'
import { Loops } from '../../core/platform/process/loops.ts'
import { createMetrics } from '../../core/platform/process/metrics.ts'
import { declare } from '../../core/platform/rabbit/declare.ts'
import { createPublisher, type Publisher } from '../../core/platform/rabbit/publisher.ts'
import { SubscribersConfig } from '../../subscribers/frame/config.ts'
import { subscriberMetrics } from '../../subscribers/frame/metrics.ts'
import { runSubscriber } from '../../subscribers/frame/run-subscriber.ts'
import type { Subscriber } from '../../subscribers/frame/subscriber.ts'
import { eventually } from './eventually.ts'
import { lengthOf, publishTo } from './queues.ts'
import { createWorld, type World } from './world.ts'

const log = createLog('test', process.env.TEST_LOG_LEVEL ?? 'silent')
/** Long enough for any event that comes late. */
const SETTINGS = { SUBSCRIBER_PARTITIONS: '2', PREDECESSOR_WAIT_SECONDS: '3600', LOG_LEVEL: 'silent' }
/** For a subscriber whose predecessors never come: short enough to see events parked. */
export const PARKING = { PREDECESSOR_WAIT_SECONDS: '3' }

/** The order topic without the shop behind it: events are published as the outbox relay does. */
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

  /** Runs it in this process. @returns how to stop it again. */
  async run(subscriber: Subscriber, settings: Record<string, string> = {}): Promise<() => Promise<void>> {
    const closers = new Closers(log)
    this.#running.push(closers)
    const config = parseConfig(SubscribersConfig, { ...this.env, ...settings })
    const registry = createMetrics('test')
    const metrics = subscriberMetrics(registry)
    const isAtWork = await runSubscriber(subscriber, {
      closers,
      loops: new Loops(log, registry),
      metrics,
      registry,
      tools: { config, redis: this.world.redis, log },
    })
    await eventually(`${subscriber.name} to be at work`, isAtWork, (isIt) => isIt)
    return () => closers.closeAll()
  }

  /** As if it had run: its queues are there, and it is owed what happens from now on. */
  async declare(name: string): Promise<void> {
    const connection = await connect(this.world.rabbitmqUrl)
    await declare(
      connection,
      subscriberQueues(name, this.queues(name).partitions.length, ['reservation.rejected']).topology,
      log,
    )
    await connection.close()
    await subscribe(this.world.database, name, this.queues(name).partitions.length)
  }

  /**
   * Sends an order of its own to each partition: whoever handles it has the partition. @returns their ids, by partition
   */
  async sendToEach(name: string): Promise<(string | null)[]> {
    const sent = this.queues(name).partitions.map((queue) => ({ queue, event: history(['order.created'])[0] }))
    for (const { queue, event } of sent) await publishTo(this.world, '', queue, JSON.stringify(event))
    return sent.map(({ event }) => event?.orderId ?? null)
  }

  /** One after the other, each confirmed. */
  async publish(...events: OrderEvent[]): Promise<void> {
    for (const event of events) await this.publishRaw(event.type, event.orderId ?? event.reservationId, event)
  }

  async publishRaw(routingKey: string, correlationId: string, body: unknown): Promise<void> {
    const outcome = await this.#publisher.publish({
      exchange: ORDER_EVENTS,
      routingKey,
      messageId: randomUUID(),
      correlationId,
      body,
      mandatory: false,
    })
    if (outcome !== 'CONFIRMED') throw new Error(`The broker said ${outcome}`)
  }

  queues(name: string): SubscriberQueues {
    return subscriberQueues(name, Number(this.env.SUBSCRIBER_PARTITIONS), [])
  }

  /** Messages that wait in all of its partitions together. */
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

/** The history of a new order, of those types in that order. */
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
      traceparent: traceparentOf({ orderId, eventId }),
      ...changes,
    }
  })
}
