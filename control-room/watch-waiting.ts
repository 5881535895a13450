import type { Registry } from 'prom-client'
import { gauge } from '../core/platform/process/metrics.ts'
import type { Database } from '../core/platform/stores/database.ts'
import { nearLedgers } from '../core/rebuild/sales-in-turn.ts'
import { LedgersInTurn } from '../core/stock/ledgers-in-turn.ts'
import type { Stock, Waiting } from '../core/stock/stock.ts'

/** Ledgers of other sales than the near ones, in one run. */
const IN_TURN_MAX = 200

/** Shows how many reservations wait for the broker and for their decision, and for how long the oldest has. */
export function waitingWatch(database: Database, stock: Stock, metrics: Registry): () => Promise<void> {
  const gauges = {
    pending: gauge(metrics, 'seckill_pending_reservations'),
    undecided: gauge(metrics, 'seckill_undecided_reservations'),
    pendingAge: gauge(metrics, 'seckill_pending_age_seconds'),
    undecidedAge: gauge(metrics, 'seckill_undecided_age_seconds'),
  }
  /** Without PostgreSQL the ledgers that were near: an outage is when these figures matter. */
  let near: string[] = []
  async function readNear(): Promise<string[]> {
    near = await nearLedgers(database).catch(() => near)
    return near
  }
  const turns = new LedgersInTurn(stock.loaded, readNear, IN_TURN_MAX)
  /** The ledgers where something waits: read with every run, not only in their turn. */
  let busy: string[] = []

  return async () => {
    const ledgers = [...new Set([...(await turns.next()), ...busy])]
    const nowMs = await stock.clock.read()
    const waiting = await Promise.all(ledgers.map((ledger) => stock.readWaiting(ledger)))
    busy = ledgers.filter((_, i) => (waiting[i]?.pending ?? 0) + (waiting[i]?.undecided ?? 0) > 0)
    const sum = (of: 'pending' | 'undecided') => waiting.reduce((total, one) => total + one[of], 0)
    const age = (of: 'oldestPendingMs' | 'oldestUndecidedMs') => ageSeconds(nowMs, waiting, of)
    gauges.pending.set(sum('pending'))
    gauges.undecided.set(sum('undecided'))
    gauges.pendingAge.set(age('oldestPendingMs'))
    gauges.undecidedAge.set(age('oldestUndecidedMs'))
  }
}

function ageSeconds(nowMs: number, waiting: Waiting[], of: 'oldestPendingMs' | 'oldestUndecidedMs'): number {
  const oldestMs = Math.min(...waiting.map((one) => one[of]))
  return oldestMs === Infinity ? 0 : Math.max(0, nowMs - oldestMs) / 1_000
}
