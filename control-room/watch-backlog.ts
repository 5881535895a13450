import type { Registry } from 'prom-client'
import type { QueueReader } from '../core/audit/queue-depths.ts'
import type { Database } from '../core/platform/stores/database.ts'
import { attemptEach } from '../core/platform/process/attempt-each.ts'
import { gauge } from '../core/platform/process/metrics.ts'
import { BrokerUnreachable, type DepthReader } from '../core/platform/rabbit/depth-reader.ts'
import { aheadMs } from '../core/platform/stores/clock-check.ts'
import { countSagas } from '../core/sagas/list.ts'
import type { Stock } from '../core/stock/stock.ts'
import { subscriberWatch } from './subscriber-backlogs.ts'
import { auditWatch, type AuditWatchDeps } from './watch-audit.ts'
import { waitingWatch } from './watch-waiting.ts'

/**
 * Each run costs the broker four queries and some seven for each subscriber, PostgreSQL two, Redis four for each ledger
 * and one more where something waits.
 */
export const WATCH_INTERVAL_MS = 5_000

export interface Watched extends AuditWatchDeps {
  database: Database
  stock: Stock
  queues: QueueReader
  depths: DepthReader
}

/**
 * Shows what waits, and raises the alarm when there are more dead letters than before. Here and not in the services,
 * since there is one control room: a figure that several processes report would be summed.
 */
export function backlogWatch(watched: Watched): () => Promise<void> {
  const { database, stock, depths, metrics, log } = watched
  const watches: { id: string; run: () => Promise<unknown> }[] = [
    { id: 'reservations', run: waitingWatch(database, stock, metrics) },
    { id: 'outbox', run: outboxWatch(database, stock, metrics) },
    { id: 'sagas', run: sagaWatch(database, metrics) },
    { id: 'queues', run: brokerWatch(watched) },
    { id: 'subscribers', run: subscriberWatch({ database, depths, metrics, log }) },
    { id: 'audit', run: auditWatch(watched) },
  ]
  return () =>
    attemptEach(watches, async ({ run }) => {
      await run().catch((error: unknown) => {
        if (!(error instanceof BrokerUnreachable)) throw error
        log.warn({ err: error.message }, 'reading the queue lengths failed')
      })
    })
}

/** Also shows how far the clocks of PostgreSQL and Redis are apart. While PostgreSQL is away there are no figures. */
function outboxWatch(database: Database, stock: Stock, metrics: Registry): () => Promise<void> {
  const entries = gauge(metrics, 'seckill_outbox_entries')
  const age = gauge(metrics, 'seckill_outbox_age_seconds')
  const offset = gauge(metrics, 'seckill_clock_offset_seconds')
  const clock = 'postgresql'

  async function read(): Promise<void> {
    const askedAtMs = await stock.clock.read()
    const [outbox] = await database.$queryRaw<{ entries: number; ageSeconds: number; nowMs: number }[]>`
      SELECT count(*)::int AS entries, (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS "nowMs",
        coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8 AS "ageSeconds" FROM outbox`
    if (!outbox) return
    const answeredAtMs = await stock.clock.read()
    entries.set(outbox.entries)
    age.set(outbox.ageSeconds)
    offset.set({ clock }, Math.abs(aheadMs(outbox.nowMs, askedAtMs, answeredAtMs)) / 1_000)
  }
  return () =>
    read().catch((error: unknown) => {
      entries.remove()
      age.remove()
      offset.remove({ clock })
      throw error
    })
}

function sagaWatch(database: Database, metrics: Registry): () => Promise<void> {
  const sagas = gauge(metrics, 'seckill_sagas')
  return async () => {
    for (const [state, count] of Object.entries(await countSagas(database))) sagas.set({ state }, count)
  }
}

/** While the broker does not answer, no figure is shown instead of an old one. */
function brokerWatch({ queues, metrics, log }: Watched): () => Promise<void> {
  const messages = gauge(metrics, 'seckill_queue_messages')
  const deadLetters = gauge(metrics, 'seckill_dead_letters')
  let known = 0

  async function read(): Promise<void> {
    const { deadLetters: dead, ...depths } = await queues.read()
    for (const [queue, depth] of Object.entries(depths)) messages.set({ queue }, depth)
    deadLetters.set(dead)
    if (dead > known)
      log.error({ deadLetters: dead, before: known }, 'there are new dead letters; npm run dead-letters shows them')
    known = dead
  }
  return () =>
    read().catch((error: unknown) => {
      messages.reset()
      deadLetters.remove()
      throw error
    })
}
