import { Counter, Gauge, type Registry } from 'prom-client'
import type { BuyDeps } from './buy.ts'
import type { WatchedReservations } from './watched-reservations.ts'

export function countWatchers(registry: Registry, watched: WatchedReservations): void {
  registry.registerMetric(
    new Gauge({
      name: 'seckill_watched_reservations',
      help: 'Buyers who wait for the outcome of their reservation',
      registers: [],
      collect() {
        this.set(watched.count)
      },
    }),
  )
}

/** Counters are looked up by their label once, not with every purchase. */
export function countOutcomes(registry: Registry): BuyDeps['count'] {
  const outcomes = new Counter({
    name: 'seckill_purchases_total',
    help: 'Purchase attempts, by outcome',
    labelNames: ['outcome'],
    registers: [registry],
  })
  const counters = new Map<string, { inc: () => void }>()
  return (outcome) => {
    const counter = counters.get(outcome) ?? outcomes.labels(outcome)
    counters.set(outcome, counter)
    counter.inc()
  }
}
