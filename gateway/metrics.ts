import { Counter, Gauge, type Registry } from 'prom-client'
import type { BuyDeps } from './buy.ts'
import type { WaitingBuyers } from './waiting-room/waiting-buyers.ts'
import type { WatchedReservations } from './watched-reservations.ts'

export function countWatchers(registry: Registry, watched: WatchedReservations, waiting: WaitingBuyers): void {
  const gauge = (name: string, help: string, counted: { count: number }) =>
    registry.registerMetric(
      new Gauge({
        name,
        help,
        registers: [],
        collect() {
          this.set(counted.count)
        },
      }),
    )
  gauge('seckill_watched_reservations', 'Buyers who wait for the outcome of their reservation', watched)
  gauge('seckill_waiting_streams', 'Event streams of buyers in waiting rooms', waiting)
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
