import { Counter, Histogram, type Registry } from 'prom-client'
import type { Verdict } from '../core/orders/decide.ts'

/** Counts what was decided, and how long a reservation waited for it. */
export function placingMetrics(registry: Registry): (verdicts: Verdict[]) => void {
  const decided = new Counter({
    name: 'seckill_decisions_total', help: 'Reservations decided, by outcome', labelNames: ['outcome'], registers: [registry],
  })
  const waited = new Histogram({
    name: 'seckill_reservation_wait_seconds', help: 'From the reservation to its order',
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300], registers: [registry],
  })
  return (verdicts) => {
    for (const { decision, isNew, reservation } of verdicts) {
      if (!isNew) decided.inc({ outcome: 'REPEATED' })
      else if (decision.outcome === 'REJECTED') decided.inc({ outcome: decision.reason })
      else {
        decided.inc({ outcome: 'ORDERED' })
        waited.observe(Math.max(0, Date.now() - reservation.reservedAtMs) / 1_000)
      }
    }
  }
}
