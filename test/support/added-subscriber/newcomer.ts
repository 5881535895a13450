import { type Subscriber, TryAgain } from '../../../subscribers/frame/subscriber.ts'

/** While there is such a key in Redis, it waits. */
export const holdOf = (keyPrefix: string) => `${keyPrefix}hold`

/** A subscriber that nobody knew of when everything else was started: it keeps a list of what it hears, by order. */
export const subscriber: Subscriber = {
  name: 'newcomer',
  events: ['order.created', 'order.paid', 'order.cancelled'],
  once: 'inbox',
  async handle(_tx, event, { redis, config }) {
    if (await redis.exists(holdOf(config.REDIS_KEY_PREFIX))) throw new TryAgain('held')
    await redis.rpush(`${config.REDIS_KEY_PREFIX}heard:${event.orderId}`, event.type)
  },
}
