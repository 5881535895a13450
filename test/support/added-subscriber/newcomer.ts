import type { Subscriber } from '../../../subscribers/runtime/subscriber.ts'

/** A subscriber that is added while everything else runs. It records the events that it handles, by order. */
export const subscriber: Subscriber = {
  name: 'newcomer',
  events: ['order.created', 'order.paid', 'order.cancelled'],
  once: 'inbox',
  async handle(_tx, event, { redis, config }) {
    await redis.rpush(`${config.REDIS_KEY_PREFIX}handled:${event.orderId}`, event.type)
  },
}
