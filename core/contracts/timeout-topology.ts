import { type Bound, deadLetterTopology, merge, quorumQueue, type Topology, workQueue } from './topology.ts'

export const TIMEOUTS = 'seckill.timeouts'
export const DELAYED_TIMEOUTS = 'seckill.timeouts.delayed'
export const CANCELLATIONS = 'seckill.cancellations'
/** Routing key of a timeout message whose wait is over. */
export const DUE = 'due'

/** 62 bytes for an order's id alone in its message, 39 in company. */
const TIMEOUTS_BOUND: Bound = { items: 1_000_000, bytesPerItem: 64 }

/** Where timeout messages arrive once their wait is over. */
export const cancellationTopology: Topology = merge(deadLetterTopology, {
  exchanges: [{ name: TIMEOUTS, type: 'direct' }],
  queues: [workQueue(CANCELLATIONS, TIMEOUTS_BOUND)],
  bindings: [{ queue: CANCELLATIONS, exchange: TIMEOUTS, routingKey: DUE }],
})

/** Name of the queue, and routing key of the messages, that wait `delayMs`. */
export const waitingRoom = (delayMs: number) => `${TIMEOUTS}.${delayMs}ms`

/**
 * One queue per delay whose TTL is the delay: with several TTLs in one queue a short one waits behind a long one.
 * Expired messages are dead-lettered to the cancellations.
 */
export const delayQueueTopology = (delayMs: number): Topology => {
  const room = quorumQueue(waitingRoom(delayMs), TIMEOUTS_BOUND, { exchange: TIMEOUTS, routingKey: DUE })
  return merge(cancellationTopology, {
    exchanges: [],
    queues: [{ ...room, arguments: { ...room.arguments, 'x-message-ttl': delayMs } }],
    bindings: [{ queue: room.name, exchange: TIMEOUTS, routingKey: room.name }],
  })
}

/** The plugin's exchange, for brokers that still have it (up to RabbitMQ 4.2). */
export const delayedExchangeTopology: Topology = merge(cancellationTopology, {
  exchanges: [{ name: DELAYED_TIMEOUTS, type: 'x-delayed-message', arguments: { 'x-delayed-type': 'direct' } }],
  queues: [],
  bindings: [{ queue: CANCELLATIONS, exchange: DELAYED_TIMEOUTS, routingKey: DUE }],
})
