import type { Registry } from 'prom-client'
import type { OrderEvent } from '../../core/contracts/messages.ts'
import { counter, histogram } from '../../core/platform/process/metrics.ts'
import type { SetAside } from './set-aside.ts'

export interface SubscriberMetrics {
  count: (subscriber: string, outcome: 'HANDLED' | 'PASSED' | SetAside, events: number) => void
  /** How old the events were when they had their effect. */
  lag: (subscriber: string, events: OrderEvent[]) => void
}

export function subscriberMetrics(registry: Registry): SubscriberMetrics {
  const events = counter(registry, 'seckill_subscriber_events_total')
  const lag = histogram(registry, 'seckill_subscriber_lag_seconds')
  return {
    count: (subscriber, outcome, count) => events.inc({ subscriber, outcome }, count),
    lag(subscriber, handled) {
      for (const { at } of handled) lag.observe({ subscriber }, Math.max(0, Date.now() - Date.parse(at)) / 1_000)
    },
  }
}
