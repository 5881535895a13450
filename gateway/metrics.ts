import type { Registry } from 'prom-client'
import { PURCHASE_OUTCOMES } from '../core/contracts/metrics.ts'
import { counter, gauge, histogram } from '../core/platform/process/metrics.ts'
import type { BuyDeps } from './buy.ts'
import type { WatchedReservations } from './watched-reservations.ts'

export function countWatchers(registry: Registry, watched: WatchedReservations): void {
  gauge(registry, 'seckill_watched_reservations', (watchers) => watchers.set(watched.count))
}

/** Counters are looked up by their label once, not with every purchase. */
export function countOutcomes(registry: Registry): BuyDeps['count'] {
  const outcomes = counter(registry, 'seckill_purchases_total')
  const counters = Object.fromEntries(
    PURCHASE_OUTCOMES.map((outcome) => [outcome, outcomes.labels(outcome)]),
  ) as Record<(typeof PURCHASE_OUTCOMES)[number], { inc: () => void }>
  return (outcome) => counters[outcome].inc()
}

export function measureAccepting(registry: Registry): BuyDeps['acceptedIn'] {
  const accepting = histogram(registry, 'seckill_accept_seconds')
  return (ms) => accepting.observe(ms / 1_000)
}
