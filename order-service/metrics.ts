import { Counter, Histogram, type Registry } from 'prom-client'
import type { Verdict } from '../core/orders/decide.ts'
import type { Logger } from '../core/platform/process/log.ts'

/** Counts decisions by outcome, and measures how long reservations waited for them. */
export function placingMetrics(registry: Registry): (verdicts: Verdict[]) => void {
  const decided = new Counter({
    name: 'seckill_decisions_total',
    help: 'Reservations decided, by outcome',
    labelNames: ['outcome'],
    registers: [registry],
  })
  const waited = new Histogram({
    name: 'seckill_reservation_wait_seconds',
    help: 'From the reservation to its order',
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300],
    registers: [registry],
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

/** A persistent alarm is logged once per interval. */
const ALARM_INTERVAL_MS = 60_000

/** Counts outbox entries that the broker refused, and logs an alarm: a queue is full. */
export function refusalAlarm(registry: Registry, log: Logger): (entries: number) => void {
  const refused = new Counter({
    name: 'seckill_outbox_refused_total',
    help: 'Outbox entries of which the broker refused messages; each is sent again',
    registers: [registry],
  })
  let alarmedAtMs = -Infinity
  return (entries) => {
    refused.inc(entries)
    if (performance.now() - alarmedAtMs < ALARM_INTERVAL_MS) return
    alarmedAtMs = performance.now()
    log.error(
      { entries },
      'a queue is full: the broker refuses messages of the outbox, which are sent again later; other messages pass; ' +
        'the control room shows the queues',
    )
  }
}
