import type { Counter, Registry } from 'prom-client'
import { PURCHASE_OUTCOMES, TICKET_OUTCOMES } from '../core/contracts/metrics.ts'
import { counter, gauge, histogram } from '../core/platform/process/metrics.ts'
import type { BuyDeps } from './buy.ts'
import type { WaitingBuyers } from './waiting-room/waiting-buyers.ts'
import type { TicketDeps } from './opening/give-tickets.ts'
import type { WatchedReservations } from './watched-reservations.ts'

export function countWatchers(registry: Registry, watched: WatchedReservations, waiting: WaitingBuyers): void {
  gauge(registry, 'seckill_watched_reservations', (watchers) => watchers.set(watched.count))
  gauge(registry, 'seckill_waiting_streams', (streams) => streams.set(waiting.count))
}

export const countOutcomes = (registry: Registry): BuyDeps['count'] =>
  countByOutcome(counter(registry, 'seckill_purchases_total'), PURCHASE_OUTCOMES)

export const countTickets = (registry: Registry): TicketDeps['count'] =>
  countByOutcome(counter(registry, 'seckill_tickets_total'), TICKET_OUTCOMES)

/** Counters are looked up by their label once, not with every purchase. */
function countByOutcome<Outcome extends string>(
  outcomes: Counter<'outcome'>,
  names: readonly Outcome[],
): (outcome: Outcome) => void {
  const counters = new Map(names.map((outcome) => [outcome, outcomes.labels(outcome)]))
  return (outcome) => counters.get(outcome)?.inc()
}

export function measureAccepting(registry: Registry): BuyDeps['acceptedIn'] {
  const accepting = histogram(registry, 'seckill_accept_seconds')
  return (ms) => accepting.observe(ms / 1_000)
}
