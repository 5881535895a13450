import { z } from 'zod'
import { ORDER_EVENT_TYPES, ORDER_EVENT_VERSION, OrderEvent, type OrderEventType } from './messages.ts'
import { ORDER_EVENTS, SEQUENCED, SEQUENCED_EVENTS } from './topology.ts'

/** What each event says; the schema is the same for all. */
const SUMMARIES: Record<OrderEventType, string> = {
  'order.created': 'A reservation became an order, which waits for its payment.',
  'order.paid': 'The money of the order has arrived.',
  'order.cancelled':
    'The order ended without a payment: UNPAID in time, at the wish of its BUYER, or by its saga: COUPON_REFUSED, TOO_FEW_POINTS or NOT_COMPLETED.',
  'order.refunded': 'The money of a paid order goes back: VETOED.',
  'order.coupon-locked': "Forwards: the coupon is the order's; what is to pay has fallen by its discount.",
  'order.coupon-refused': "Failed: the coupon is used, locked by another order, another buyer's, or does not exist.",
  'order.coupon-returned': 'Backwards: the order holds no coupon any more.',
  'order.points-deducted': 'Forwards: the points are spent; what is to pay has fallen by a cent for each.',
  'order.points-refused': 'Failed: the buyer has too few points.',
  'order.points-returned': 'Backwards: the order has cost and brought no points.',
  'order.vetoed': 'Failed: risk control has vetoed the paid order.',
  'order.saga-expired': 'Failed: a step was not reported in time.',
  'reservation.rejected':
    'A reservation became no order: SOLD_OUT, EXPIRED or NOT_ELIGIBLE. There is no order to name.',
}

const batchOf = (schema: object) => ({
  type: 'object',
  properties: { events: { type: 'array', minItems: 1, items: schema } },
  required: ['events'],
  additionalProperties: false,
})
const anyEvent = { $ref: '#/components/schemas/OrderEvent' }

const message = (name: string, summary: string, events: object) => ({
  name,
  title: name,
  summary,
  contentType: 'application/json',
  correlationId: { description: 'Partitions are chosen by it', location: '$message.header#/correlationId' },
  headers: {
    type: 'object',
    properties: {
      correlationId: { type: 'string' },
      messageId: { type: 'string', description: 'the id of the first event' },
    },
  },
  payload: batchOf(events),
})

const topic = (name: string, description: string, messages: object) => ({
  address: name,
  description,
  messages,
  bindings: {
    amqp: {
      is: 'routingKey',
      exchange: { name, type: 'topic', durable: true, autoDelete: false, vhost: '/' },
      bindingVersion: '0.3.0',
    },
  },
})

/** The order topics as an AsyncAPI document, from the schemas that validate the events. */
export function asyncApiDocument(): object {
  const { $schema: _, ...schema } = z.toJSONSchema(OrderEvent)
  const each = <Value>(valueOf: (type: OrderEventType) => Value) =>
    Object.fromEntries(ORDER_EVENT_TYPES.map((type) => [type, valueOf(type)]))
  const ofType = (type: OrderEventType) =>
    message(type, SUMMARIES[type], { allOf: [anyEvent, { type: 'object', properties: { type: { const: type } } }] })
  const operation = (channel: string, summary: string) => ({
    action: 'send',
    channel: { $ref: `#/channels/${channel}` },
    summary,
  })
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Seckill order events',
      version: `${ORDER_EVENT_VERSION}.0.0`,
      description:
        'Every change of every order, at least once, the events of many orders in one message when many wait. docs/subscribers.md shows how to subscribe.',
    },
    defaultContentType: 'application/json',
    channels: {
      orders: topic(
        ORDER_EVENTS,
        "The events by type, those of an order in any sequence. A durable topic exchange; the routing key is the events' type.",
        each((type) => ({ $ref: `#/components/messages/${type}` })),
      ),
      sequencedOrders: topic(
        SEQUENCED_EVENTS,
        `The same events, those of one order in its sequence and under one correlation id. A durable topic exchange; the routing key is ${SEQUENCED.plain}, ${SEQUENCED.coupon} for orders that name a coupon, or ${SEQUENCED.rejected}.`,
        { events: { $ref: '#/components/messages/events' } },
      ),
    },
    operations: {
      tellOfOrders: operation('orders', 'The order service tells of every change, through its outbox.'),
      tellOfOrdersInSequence: operation('sequencedOrders', 'The same, for subscribers that follow orders.'),
    },
    components: {
      messages: { ...each(ofType), events: message('events', 'Events of any type.', anyEvent) },
      schemas: { OrderEvent: schema },
    },
  }
}
