import { Counter, Histogram, type Registry } from 'prom-client'
import type { OrderEvent } from '../../core/contracts/messages.ts'
import type { SetAside } from './set-aside.ts'

export interface SubscriberMetrics {
  count: (subscriber: string, outcome: 'HANDLED' | 'PASSED' | SetAside, events: number) => void
  /** How old the events were when they had their effect. */
  lag: (subscriber: string, events: OrderEvent[]) => void
}

export function subscriberMetrics(registry: Registry): SubscriberMetrics {
  const registers = [registry]
  const events = new Counter({
    name: 'seckill_subscriber_events_total',
    help: 'Order events by subscriber and what became of them',
    labelNames: ['subscriber', 'outcome'],
    registers,
  })
  const lag = new Histogram({
    name: 'seckill_subscriber_lag_seconds',
    help: 'From the event to its effect',
    labelNames: ['subscriber'],
    buckets: [0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 3_600],
    registers,
  })
  return {
    count: (subscriber, outcome, count) => events.inc({ subscriber, outcome }, count),
    lag(subscriber, handled) {
      for (const { at } of handled) lag.observe({ subscriber }, Math.max(0, Date.now() - Date.parse(at)) / 1_000)
    },
  }
}
