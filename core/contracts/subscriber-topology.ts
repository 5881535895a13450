import {
  type Bound,
  DEAD_LETTER_DELIVERIES,
  DELIVERY_LIMIT,
  eventTopology,
  ORDER_EVENTS,
  type Queue,
  SEQUENCED,
  SEQUENCED_EVENTS,
  type Topology,
} from './topology.ts'

/**
 * What a subscriber receives. `orders`: every event of every order, one after another, also those that have no effect:
 * without them it could not tell a gap in the sequence. `coupon-orders`: the same, of the orders that name a coupon.
 * `events`: only events that have an effect, in any order.
 */
export type Follows = 'orders' | 'coupon-orders' | 'events'

/** Where its events come from. */
export interface Source {
  exchange: string
  routingKey: string
}

/** @param events that have an effect on the subscriber */
export function sourcesOf(follows: Follows, events: readonly string[]): Source[] {
  if (follows === 'events') return events.map((type) => ({ exchange: ORDER_EVENTS, routingKey: type }))
  const keys = follows === 'coupon-orders' ? [SEQUENCED.coupon] : [SEQUENCED.plain, SEQUENCED.coupon]
  const wanted = events.includes('reservation.rejected') ? [...keys, SEQUENCED.rejected] : keys
  return wanted.map((routingKey) => ({ exchange: SEQUENCED_EVENTS, routingKey }))
}

/** The queues of one subscriber, which it shares with no other. */
export interface SubscriberQueues {
  /** Takes the events, and those that come again; it passes them to `byOrder`. */
  exchange: string
  /** Shares the messages out over the partitions by the hash of their correlation id. */
  byOrder: string
  /**
   * All sequenced events of one order are in the same one. Their names say how many there are: no two numbers share a
   * queue.
   */
  partitions: string[]
  /** Events whose predecessor has not come yet: they wait here for `heldMs`, then come again. */
  held: string
  /** Events that an operator resends once the reason is gone, which they carry. */
  parked: string
  /** What can never be handled. */
  deadLetters: string
  deadLetterTopology: Topology
  topology: Topology
  /** As much of it as the consumer of one partition needs; five subscribers are 20 of these. */
  partitionTopology: (partition: string) => Topology
  /** The partitions and what shares events out over them; no event reaches it until `exchange` is linked to it. */
  partitionsTopology: Topology
}

export const HELD_MS = 500
/** Each is a connection of every process. */
export const PARTITIONS_MAX = 64
/** A process that has not reported for so long counts as gone. */
export const SILENT_SECONDS = 10
/** Per partition, of events that travel alone. An event takes some 500 bytes. */
export const BACKLOG_BOUND: Bound = { items: 1_000_000, bytesPerItem: 512 }
const SET_ASIDE_BOUND: Bound = { items: 100_000, bytesPerItem: 1_024 }

const boundOf = ({ items, bytesPerItem }: Bound) => ({
  'x-queue-type': 'quorum',
  'x-max-length': items,
  'x-max-length-bytes': items * bytesPerItem,
})

/**
 * A subscriber's partitions, each consumed by one process at a time. One that is full refuses: the event then waits in
 * the outbox, which sends all others meanwhile. Those who have it already know it by its id when it is sent again.
 */
export function subscriberQueues(name: string, partitionCount: number, sources: Source[]): SubscriberQueues {
  const exchange = `seckill.subscriber.${name}`
  const byOrder = `${exchange}.of-${partitionCount}`
  const partitions = Array.from({ length: partitionCount }, (_, i) => `${exchange}.${i}-of-${partitionCount}`)
  const [held, parked, deadLetters] = [`${exchange}.held`, `${exchange}.parked`, `${exchange}.dead-letters`]
  const partitionArguments = {
    ...boundOf(BACKLOG_BOUND),
    'x-overflow': 'reject-publish',
    'x-single-active-consumer': true,
    'x-delivery-limit': DELIVERY_LIMIT,
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': deadLetters,
    'x-dead-letter-strategy': 'at-least-once',
  }
  const heldArguments = {
    ...boundOf(SET_ASIDE_BOUND),
    'x-overflow': 'reject-publish',
    'x-message-ttl': HELD_MS,
    'x-dead-letter-exchange': exchange,
    'x-dead-letter-strategy': 'at-least-once',
  }
  const asideArguments = {
    ...boundOf(SET_ASIDE_BOUND),
    'x-overflow': 'reject-publish',
    'x-delivery-limit': DEAD_LETTER_DELIVERIES,
  }
  const aside = (queue: string): Queue => ({ name: queue, arguments: asideArguments })
  const partitionTopology = (partition: string): Topology => ({
    exchanges: [],
    queues: [{ name: partition, arguments: partitionArguments }],
    // On such an exchange the routing key is the weight of a partition.
    bindings: [{ queue: partition, exchange: byOrder, routingKey: '1' }],
  })
  const parts = partitions.map(partitionTopology)
  const partitionsTopology: Topology = {
    exchanges: [{ name: byOrder, type: 'x-consistent-hash', arguments: { 'hash-property': 'correlation_id' } }],
    queues: parts.flatMap(({ queues }) => queues),
    bindings: parts.flatMap(({ bindings }) => bindings),
  }
  return {
    exchange,
    byOrder,
    partitions,
    held,
    parked,
    deadLetters,
    topology: {
      exchanges: [...eventTopology.exchanges, { name: exchange, type: 'fanout' }, ...partitionsTopology.exchanges],
      queues: [
        aside(deadLetters),
        aside(parked),
        ...partitionsTopology.queues,
        { name: held, arguments: heldArguments },
      ],
      bindings: partitionsTopology.bindings,
      links: [
        { from: exchange, to: byOrder, routingKey: '' },
        ...sources.map((source) => ({ from: source.exchange, to: exchange, routingKey: source.routingKey })),
      ],
    },
    deadLetterTopology: { exchanges: [], queues: [aside(deadLetters)], bindings: [] },
    partitionTopology,
    partitionsTopology,
  }
}
