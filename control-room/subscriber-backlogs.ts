import type { Registry } from 'prom-client'
import { subscriberQueues } from '../core/contracts/subscriber-topology.ts'
import type { Database } from '../core/platform/stores/database.ts'
import type { Logger } from '../core/platform/process/log.ts'
import { gauge } from '../core/platform/process/metrics.ts'
import type { DepthReader } from '../core/platform/rabbit/depth-reader.ts'

export interface SubscriberWatchDeps {
  database: Database
  depths: DepthReader
  metrics: Registry
  log: Logger
}

/**
 * Shows the backlog of every subscriber that ever registered, also of a stopped one, and raises the alarm when more is
 * set aside than before. The watch throws BrokerUnreachable.
 */
export function subscriberWatch({ database, depths, metrics, log }: SubscriberWatchDeps): () => Promise<void> {
  const messages = gauge(metrics, 'seckill_subscriber_messages')
  const known = new Map<string, number>()

  async function watch(subscriber: string, partitions: number, spreadOver: number): Promise<void> {
    const queues = subscriberQueues(subscriber, partitions, [])
    const inPartitions = await depths.depths([
      ...queues.partitions,
      ...subscriberQueues(subscriber, spreadOver, []).partitions,
    ])
    const waiting = inPartitions.reduce((total, length) => total + length, 0)
    const [held = 0, parked = 0, deadLetters = 0] = await depths.depths([
      queues.held,
      queues.parked,
      queues.deadLetters,
    ])
    for (const [what, count] of Object.entries({ waiting, held, parked, dead_letters: deadLetters }))
      messages.set({ subscriber, what }, count)
    if (parked + deadLetters > (known.get(subscriber) ?? 0))
      log.error(
        { subscriber, parked, deadLetters },
        `more is set aside; npm run dead-letters -- --of ${subscriber} shows the dead letters`,
      )
    known.set(subscriber, parked + deadLetters)
  }

  return async () => {
    try {
      const subscriptions = await database.subscription.findMany({ orderBy: { name: 'asc' } })
      await Promise.all(
        subscriptions.map(({ name, partitions, spreadOver }) => watch(name, partitions, spreadOver ?? 0)),
      )
    } catch (error) {
      // While the broker does not answer there is no figure, rather than an old one.
      messages.reset()
      throw error
    }
  }
}
