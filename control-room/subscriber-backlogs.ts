import { Gauge, type Registry } from 'prom-client'
import { subscriberQueues } from '../core/contracts/subscriber-topology.ts'
import type { Database } from '../core/platform/stores/database.ts'
import type { Logger } from '../core/platform/process/log.ts'
import type { DepthReader } from '../core/platform/rabbit/depth-reader.ts'

/** Lag of one subscriber, in messages that no consumer has taken. */
export interface SubscriberBacklog {
  subscriber: string
  /** In its partitions, and in those that its backlog is being moved to. */
  waiting: number
  held: number
  parked: number
  deadLetters: number
}

export interface SubscriberReader {
  /** @throws BrokerUnreachable */
  read: () => Promise<SubscriberBacklog[]>
}

/** Asks for the queues of every subscriber there ever was: one that is stopped has a backlog, too. */
export function createSubscriberReader(database: Database, depths: DepthReader): SubscriberReader {
  const sum = async (queues: string[]) => (await depths.depths(queues)).reduce((total, length) => total + length, 0)
  return {
    async read() {
      const subscriptions = await database.subscription.findMany({ orderBy: { name: 'asc' } })
      return await Promise.all(
        subscriptions.map(async ({ name, partitions, spreadOver }) => {
          const queues = subscriberQueues(name, partitions, [])
          const waiting = await sum([...queues.partitions, ...subscriberQueues(name, spreadOver ?? 0, []).partitions])
          const [held = 0, parked = 0, deadLetters = 0] = await depths.depths([
            queues.held,
            queues.parked,
            queues.deadLetters,
          ])
          return { subscriber: name, waiting, held, parked, deadLetters }
        }),
      )
    },
  }
}

/** Shows what waits for each, and raises the alarm when more is set aside than before. */
export function subscriberWatch({ read }: SubscriberReader, metrics: Registry, log: Logger): () => Promise<void> {
  const messages = new Gauge({
    name: 'seckill_subscriber_messages',
    help: 'Order events that wait, are held, parked or dead, by subscriber',
    labelNames: ['subscriber', 'what'],
    registers: [metrics],
  })
  const known = new Map<string, number>()
  return async () => {
    messages.reset()
    for (const { subscriber, waiting, held, parked, deadLetters } of await read()) {
      for (const [what, count] of Object.entries({ waiting, held, parked, deadLetters }))
        messages.set({ subscriber, what }, count)
      const before = known.get(subscriber) ?? 0
      if (parked + deadLetters > before)
        log.error(
          { subscriber, parked, deadLetters },
          `more is set aside; npm run dead-letters -- --of ${subscriber} shows the dead letters`,
        )
      known.set(subscriber, parked + deadLetters)
    }
  }
}
