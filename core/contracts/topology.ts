/** Exchanges, queues and bindings of the whole system, as data; `platform/rabbit` declares them. */

export interface Exchange {
  name: string
  type: 'direct' | 'topic' | 'fanout' | 'x-delayed-message' | 'x-consistent-hash'
  arguments?: Record<string, unknown>
}
export interface Queue {
  name: string
  arguments: Record<string, unknown>
}
export interface Binding {
  queue: string
  exchange: string
  routingKey: string
}
/** From one exchange to another. */
export interface Link {
  from: string
  to: string
  routingKey: string
}
export interface Topology {
  exchanges: Exchange[]
  queues: Queue[]
  bindings: Binding[]
  links?: Link[]
}

export const INTAKE = 'seckill.intake'
/** Events by type: the routing key. */
export const ORDER_EVENTS = 'seckill.orders'
/** The same events, those of an order in its sequence: the correlation id is the partition key. */
export const SEQUENCED_EVENTS = 'seckill.orders.sequenced'
/** Routing keys of sequenced events. */
export const SEQUENCED = {
  /** Of an order that names no coupon, all of its life. */
  plain: 'orders.plain',
  /** Of an order that names one. */
  coupon: 'orders.coupon',
  /** There is no order. */
  rejected: 'rejections',
} as const
export const DEAD_LETTERS = 'seckill.dead-letters'
/**
 * Deliveries of one message before it goes to the dead letters; RabbitMQ 3.10 has no limit of its own, 4.x has 20.
 * Poison is found by the consumer itself: only its deaths, lost connections and messages given back count here. With a
 * limit of 10, ten cuts of one connection took up to 500 messages of good reservations along.
 */
export const DELIVERY_LIMIT = 100

/** The relay publishes an event again whose confirm has not come within this time. */
export const EVENT_CONFIRM_MS_MAX = 4_000

/** A queue's end, in what its messages carry: one message may carry a single item or many. */
export interface Bound {
  items: number
  /** Of one item that travels alone, its message's braces included. */
  bytesPerItem: number
}

/** Durable and replicated; a message that is refused goes to the dead letters and is held until it is there. */
export function quorumQueue(
  name: string,
  { items, bytesPerItem }: Bound,
  deadLetters: { exchange: string; routingKey: string },
): Queue {
  return {
    name,
    arguments: {
      'x-queue-type': 'quorum',
      'x-max-length': items,
      // Many small ones meet the length first, few that carry many this.
      'x-max-length-bytes': items * bytesPerItem,
      // Also what makes at-least-once dead-lettering possible; with any other it silently becomes at-most-once.
      'x-overflow': 'reject-publish',
      'x-dead-letter-exchange': deadLetters.exchange,
      'x-dead-letter-routing-key': deadLetters.routingKey,
      'x-dead-letter-strategy': 'at-least-once',
    },
  }
}

export const workQueue = (name: string, bound: Bound): Queue => {
  const queue = quorumQueue(name, bound, { exchange: DEAD_LETTERS, routingKey: name })
  return { ...queue, arguments: { ...queue.arguments, 'x-delivery-limit': DELIVERY_LIMIT } }
}

/**
 * A reservation takes 203 bytes alone and 179 in company where buyers are UUIDs; 123 to 464 with the shortest and
 * longest ids.
 */
const RESERVATION_BYTES = 200

const MAX_DEAD_LETTERS = 100_000
/** A full message of reservations has 11.5 KB; messages of other programs may have any size. */
const MAX_DEAD_LETTER_BYTES = 128 * 1024 * 1024
/** Looking at a dead letter counts as a delivery, and RabbitMQ 4 would throw it away after the 20th. */
export const DEAD_LETTER_DELIVERIES = 1_000_000_000

/**
 * Everything that keeps dead letters; part of what each other topology declares first, or they would be held back. When
 * it is full, further ones stay in the queue they come from, and count there, until there is room.
 */
export const deadLetterTopology: Topology = {
  exchanges: [{ name: DEAD_LETTERS, type: 'fanout' }],
  queues: [
    {
      name: DEAD_LETTERS,
      arguments: {
        'x-queue-type': 'quorum',
        'x-max-length': MAX_DEAD_LETTERS,
        'x-max-length-bytes': MAX_DEAD_LETTER_BYTES,
        'x-overflow': 'reject-publish',
        'x-delivery-limit': DEAD_LETTER_DELIVERIES,
      },
    },
  ],
  bindings: [{ queue: DEAD_LETTERS, exchange: DEAD_LETTERS, routingKey: '' }],
}

/**
 * Reservations on their way to the order service. A full queue refuses the publisher: after `maxReservations` of them,
 * or up to a fifth more when many share a message, and what was on its way meanwhile.
 */
export const intakeTopology = (maxReservations: number): Topology =>
  merge(deadLetterTopology, {
    exchanges: [{ name: INTAKE, type: 'direct' }],
    queues: [workQueue(INTAKE, { items: maxReservations, bytesPerItem: RESERVATION_BYTES })],
    bindings: [{ queue: INTAKE, exchange: INTAKE, routingKey: INTAKE }],
  })

/** The topics on which every order change is told. */
export const eventTopology: Topology = {
  exchanges: [
    { name: ORDER_EVENTS, type: 'topic' },
    { name: SEQUENCED_EVENTS, type: 'topic' },
  ],
  queues: [],
  bindings: [],
}

export function merge(...parts: Topology[]): Topology {
  return {
    exchanges: parts.flatMap((part) => part.exchanges),
    queues: parts.flatMap((part) => part.queues),
    bindings: parts.flatMap((part) => part.bindings),
    links: parts.flatMap((part) => part.links ?? []),
  }
}
