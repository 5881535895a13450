import type { Subscriber } from '../../../subscribers/frame/subscriber.ts'

/** A subscriber that nobody knew of when everything else was started: it keeps a list of what it hears, by order. */
export const subscriber: Subscriber = {
  name: 'newcomer',
  events: ['order.created', 'order.paid', 'order.cancelled'],
  once: 'inbox',
  async handle(_tx, event, { redis, config }) {
    await redis.rpush(`${config.REDIS_KEY_PREFIX}heard:${event.orderId}`, event.type)
  },
}
