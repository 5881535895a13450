import type { Registry } from 'prom-client'
import type { Verdict } from '../core/orders/decide.ts'
import type { Logger } from '../core/platform/process/log.ts'
import { counter, histogram } from '../core/platform/process/metrics.ts'
import type { PaymentProvider } from './payments/provider.ts'

/** Counts decisions by outcome, and measures how long reservations waited for them. */
export function placingMetrics(registry: Registry): (verdicts: Verdict[]) => void {
  const decided = counter(registry, 'seckill_decisions_total')
  const waited = histogram(registry, 'seckill_reservation_wait_seconds')
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
  const refused = counter(registry, 'seckill_outbox_refused_total')
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

/** The same provider, whose calls are counted. */
export function countCalls(registry: Registry, provider: PaymentProvider): PaymentProvider {
  const calls = counter(registry, 'seckill_provider_calls_total')
  async function counted<Result>(call: 'link' | 'refund', work: () => Promise<Result> | Result): Promise<Result> {
    try {
      const result = await work()
      calls.inc({ call, outcome: 'ok' })
      return result
    } catch (error) {
      calls.inc({ call, outcome: 'failed' })
      throw error
    }
  }
  return {
    createLink: (payment) => counted('link', () => provider.createLink(payment)),
    refund: (refund) => counted('refund', () => provider.refund(refund)),
    readCallback: (headers, rawBody) => provider.readCallback(headers, rawBody),
  }
}
