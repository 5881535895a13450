import { type Subscriber, TryAgain } from '../../../subscribers/runtime/subscriber.ts'

/** While this key exists in Redis, the subscriber retries instead of handling. */
export const pauseKey = (keyPrefix: string) => `${keyPrefix}hold`

/** A subscriber that is added while everything else runs. It records the events that it handles, by order. */
export const subscriber: Subscriber = {
  name: 'newcomer',
  events: ['order.created', 'order.paid', 'order.cancelled'],
  once: 'inbox',
  async handle(_tx, event, { redis, config }) {
    if (await redis.exists(pauseKey(config.REDIS_KEY_PREFIX))) throw new TryAgain('paused')
    await redis.rpush(`${config.REDIS_KEY_PREFIX}handled:${event.orderId}`, event.type)
  },
}
