import { z } from 'zod'
import { ORDER_EVENT_TYPES, ORDER_EVENT_VERSION, OrderEvent, type OrderEventType } from './messages.ts'
import { ORDER_EVENTS } from './topology.ts'

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

const message = (type: OrderEventType) => ({
  name: type,
  title: type,
  summary: SUMMARIES[type],
  contentType: 'application/json',
  correlationId: {
    description: 'The order, or the reservation that became none; partitions are made by it',
    location: '$message.header#/correlationId',
  },
  headers: {
    type: 'object',
    properties: { correlationId: { type: 'string' }, messageId: { type: 'string', description: "the event's id" } },
  },
  payload: {
    allOf: [{ $ref: '#/components/schemas/OrderEvent' }, { type: 'object', properties: { type: { const: type } } }],
  },
})

/** The order topic as an AsyncAPI document, from the schemas that validate the events. */
export function asyncApiDocument(): object {
  const { $schema: _, ...schema } = z.toJSONSchema(OrderEvent)
  const each = <Value>(valueOf: (type: OrderEventType) => Value) =>
    Object.fromEntries(ORDER_EVENT_TYPES.map((type) => [type, valueOf(type)]))
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Seckill order events',
      version: `${ORDER_EVENT_VERSION}.0.0`,
      description:
        'Every change of every order, at least once, the events of one order in the order of their sequence. docs/subscribers.md shows how to subscribe.',
    },
    defaultContentType: 'application/json',
    channels: {
      orders: {
        address: ORDER_EVENTS,
        description: "A durable topic exchange; the routing key is the event's type.",
        messages: each((type) => ({ $ref: `#/components/messages/${type}` })),
        bindings: {
          amqp: {
            is: 'routingKey',
            exchange: { name: ORDER_EVENTS, type: 'topic', durable: true, autoDelete: false, vhost: '/' },
            bindingVersion: '0.3.0',
          },
        },
      },
    },
    operations: {
      tellOfOrders: {
        action: 'send',
        channel: { $ref: '#/channels/orders' },
        summary: 'The order service tells of every change, through its outbox.',
      },
    },
    components: { messages: each(message), schemas: { OrderEvent: schema } },
  }
}
