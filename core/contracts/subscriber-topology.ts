import {
  type Bound,
  DEAD_LETTER_DELIVERIES,
  DELIVERY_LIMIT,
  eventTopology,
  type Exchange,
  ORDER_EVENTS,
  type Queue,
  type Topology,
} from './topology.ts'

/** Everything that one subscriber has of its own: what befalls it, or its messages, is seen by nobody else. */
export interface SubscriberQueues {
  /** Takes the events and shares them out by their order. */
  exchange: string
  /** The events of one order are always in the same one. */
  partitions: string[]
  /** Events whose predecessor has not come yet: they wait here for `heldMs`, then come again. */
  held: string
  /** Events that are to be handled one day: with a reason, until somebody has them sent again. */
  parked: string
  /** What can never be handled. */
  deadLetters: string
  deadLetterTopology: Topology
  topology: Topology
  /** As much of it as the consumer of one partition needs; five subscribers are 20 of these. */
  partitionTopology: (partition: string) => Topology
  /** More queues, for as long as a backlog is spread over them. */
  spreadOver: (queueCount: number) => SpreadQueues
}

export interface SpreadQueues {
  exchange: string
  queues: string[]
  topology: Topology
  /** As much of it as the consumer of one of them needs. It binds nothing: what is taken down stays empty. */
  queueTopology: (queue: string) => Topology
}

export const HELD_MS = 500
/** Queues that a backlog may be spread over; each is a connection of every process. */
export const SPREAD_OVER_MAX = 64
/** Per partition. An event takes some 500 bytes. */
const BACKLOG_BOUND: Bound = { items: 1_000_000, bytesPerItem: 512 }
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
export function subscriberQueues(name: string, partitionCount: number, events: readonly string[]): SubscriberQueues {
  const exchange = `seckill.subscriber.${name}`
  const partitions = Array.from({ length: partitionCount }, (_, i) => `${exchange}.${i}`)
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
  // Every event of an order, whatever it handles: without all of them it could not tell a gap from what it does not
  // want.
  const aside = (queue: string): Queue => ({ name: queue, arguments: asideArguments })
  const wanted = ['order.*', ...events.filter((type) => !type.startsWith('order.'))]
  return {
    exchange,
    partitions,
    held,
    parked,
    deadLetters,
    topology: {
      exchanges: [...eventTopology.exchanges, byOrder(exchange)],
      queues: [
        aside(deadLetters),
        aside(parked),
        ...partitions.map((partition) => ({ name: partition, arguments: partitionArguments })),
        { name: held, arguments: heldArguments },
      ],
      // On such an exchange the routing key is a partition's share of the orders.
      bindings: partitions.map((partition) => ({ queue: partition, exchange, routingKey: '1' })),
      links: wanted.map((routingKey) => ({ from: ORDER_EVENTS, to: exchange, routingKey })),
    },
    deadLetterTopology: { exchanges: [], queues: [aside(deadLetters)], bindings: [] },
    partitionTopology: (partition) => ({
      exchanges: [],
      queues: [{ name: partition, arguments: partitionArguments }],
      bindings: [{ queue: partition, exchange, routingKey: '1' }],
    }),
    spreadOver(queueCount) {
      const spread = `${exchange}.spread`
      const queues = Array.from({ length: queueCount }, (_, i) => `${spread}.${i}`)
      const declared = (queue: string): Queue => ({ name: queue, arguments: partitionArguments })
      return {
        exchange: spread,
        queues,
        topology: {
          exchanges: [byOrder(spread)],
          queues: queues.map(declared),
          bindings: queues.map((queue) => ({ queue, exchange: spread, routingKey: '1' })),
        },
        queueTopology: (queue) => ({ exchanges: [], queues: [declared(queue)], bindings: [] }),
      }
    },
  }
}

/** Shares messages out by the hash of their order. */
const byOrder = (name: string): Exchange => ({
  name,
  type: 'x-consistent-hash',
  arguments: { 'hash-property': 'correlation_id' },
})
