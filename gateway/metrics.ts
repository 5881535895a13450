import { Counter, Gauge, type Registry } from 'prom-client'
import type { BuyDeps } from './buy.ts'
import type { WaitingBuyers } from './waiting-room/waiting-buyers.ts'
import type { TicketDeps } from './opening/give-tickets.ts'
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

export const countOutcomes = (registry: Registry): BuyDeps['count'] =>
  countByOutcome(registry, 'seckill_purchases_total', 'Purchase attempts, by outcome')

export const countTickets = (registry: Registry): TicketDeps['count'] =>
  countByOutcome(registry, 'seckill_tickets_total', 'Requests for tickets and challenges, by outcome')

/** Counters are looked up by their label once, not with every purchase. */
function countByOutcome(registry: Registry, name: string, help: string): (outcome: string) => void {
  const outcomes = new Counter({ name, help, labelNames: ['outcome'], registers: [registry] })
  const counters = new Map<string, { inc: () => void }>()
  return (outcome) => {
    const counter = counters.get(outcome) ?? outcomes.labels(outcome)
    counters.set(outcome, counter)
    counter.inc()
  }
}
