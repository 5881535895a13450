import { setTimeout as delay } from 'node:timers/promises'
import type { Subscriber } from '../../../subscribers/runtime/subscriber.ts'

/** As long as a message to a slow downstream takes. */
const EFFECT_MS = 20

export const subscriber: Subscriber = {
  name: 'slow',
  events: ['order.created', 'order.paid'],
  once: 'inbox',
  handle: () => delay(EFFECT_MS),
}
