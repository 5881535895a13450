import type { EventBatch, OrderEvent } from '../contracts/messages.ts'
import { ORDER_EVENTS, SEQUENCED, SEQUENCED_EVENTS } from '../contracts/topology.ts'
import { groupBy, slicesOf } from '../platform/batches/divide.ts'

/** Some 36 KB. */
const EVENTS_PER_MESSAGE_MAX = 64

export interface EventMessage {
  exchange: string
  routingKey: string
  messageId: string
  correlationId: string
  body: EventBatch
}

/**
 * The partition key of an order's events: the first byte of its id, which is random. Of so few keys each has many
 * orders, whose events can share a message.
 */
export const partitionKeyOf = ({ orderId, eventId }: Pick<OrderEvent, 'orderId' | 'eventId'>): string =>
  (orderId ?? eventId).slice(0, 2).toLowerCase()

/**
 * The messages that carry these events, as few as possible. Each event is published twice: with others of its type, for
 * subscribers that take events in any order, and with others of its partition key, for those that follow orders. By
 * partition key alone nearly every event would be a message of its own until the load is high. Of the messages by type
 * the first of each run go to one partition, whose consumer joins them in a transaction; further ones spread over all.
 */
export function eventMessages(events: OrderEvent[]): EventMessage[] {
  const byType = [...groupBy(events, ({ type }) => type)].flatMap(([type, ofType]) =>
    slicesOf(ofType, EVENTS_PER_MESSAGE_MAX).map((some, i) => messageOf(ORDER_EVENTS, type, String(i), some)),
  )
  const byPartition = [...groupBy(events, (event) => `${sequencedKeyOf(event)} ${partitionKeyOf(event)}`)].flatMap(
    ([key, ofPartition]) => {
      const [routingKey = '', partitionKey = ''] = key.split(' ')
      return slicesOf(ofPartition, EVENTS_PER_MESSAGE_MAX).map((some) =>
        messageOf(SEQUENCED_EVENTS, routingKey, partitionKey, some),
      )
    },
  )
  return [...byType, ...byPartition]
}

function sequencedKeyOf({ orderId, couponCode }: OrderEvent): string {
  if (orderId === null) return SEQUENCED.rejected
  return couponCode === null ? SEQUENCED.plain : SEQUENCED.coupon
}

function messageOf(exchange: string, routingKey: string, correlationId: string, events: OrderEvent[]): EventMessage {
  return { exchange, routingKey, messageId: events[0]?.eventId ?? '', correlationId, body: { events } }
}
