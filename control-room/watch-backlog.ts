import { Gauge, type Registry } from 'prom-client'
import type { QueueReader } from '../core/audit/queue-depths.ts'
import type { Database } from '../core/platform/stores/database.ts'
import { groupBy } from '../core/platform/batches/divide.ts'
import type { Logger } from '../core/platform/process/log.ts'
import { BrokerUnreachable, type DepthReader } from '../core/platform/rabbit/depth-reader.ts'
import { nearLedgers } from '../core/rebuild/sales-in-turn.ts'
import { countSagas } from '../core/sagas/list.ts'
import { LedgersInTurn } from '../core/stock/ledgers-in-turn.ts'
import { saleOf } from '../core/stock/shards.ts'
import type { Stock } from '../core/stock/stock.ts'
import { subscriberWatch } from './subscriber-backlogs.ts'

/**
 * Each run costs the broker four queries and some seven for each subscriber, PostgreSQL one, Redis two for each ledger.
 */
export const WATCH_INTERVAL_MS = 5_000
/** Ledgers of other sales than the near ones, in one run. */
const IN_TURN_MAX = 200

export interface Watched {
  database: Database
  stock: Stock
  queues: QueueReader
  depths: DepthReader
  metrics: Registry
  log: Logger
}

/**
 * Shows what waits, and raises the alarm when there are more dead letters than before. Here and not in the services,
 * since there is one control room: a figure that several processes report would be summed.
 */
export function backlogWatch({ database, stock, queues, depths, metrics, log }: Watched): () => Promise<void> {
  const gauge = (name: string, help: string, ...labelNames: string[]) =>
    new Gauge({ name, help, labelNames, registers: [metrics] })
  const messages = gauge('seckill_queue_messages', 'Messages that wait, by queue', 'queue')
  const deadLetters = gauge('seckill_dead_letters', 'Dead letters: messages that no attempt could process')
  const pending = gauge('seckill_pending', 'Reservations that the broker has not confirmed, by sale', 'sale')
  const undecided = gauge('seckill_undecided', 'Reservations that are neither order nor rejected, by sale', 'sale')
  const watchSubscribers = subscriberWatch({ database, depths, metrics, log })
  const sagas = gauge('seckill_sagas', 'Sagas of orders that name a coupon or points, by state', 'state')
  /** Without PostgreSQL the ledgers that were near: an outage is when these figures matter. */
  let near: string[] = []
  async function readNear(): Promise<string[]> {
    near = await nearLedgers(database).catch(() => near)
    return near
  }
  const turns = new LedgersInTurn(stock.loaded, readNear, IN_TURN_MAX)
  /** The ledgers of sales that are shown. */
  const shown = new Map<string, Set<string>>()
  let knownDead = 0

  async function watchQueues(): Promise<void> {
    // While the broker does not answer, no figure is shown instead of an old one.
    messages.reset()
    deadLetters.remove()
    const { deadLetters: dead, ...depths } = await queues.read()
    for (const [queue, depth] of Object.entries(depths)) messages.set({ queue }, depth)
    deadLetters.set(dead)
    if (dead > knownDead)
      log.error({ deadLetters: dead, before: knownDead }, 'there are new dead letters; npm run dead-letters shows them')
    knownDead = dead
  }

  async function watchSales(): Promise<void> {
    const ledgers = groupBy([...(await turns.next()), ...[...shown.values()].flatMap((some) => [...some])], saleOf)
    const isNear = new Set(near)
    await Promise.all(
      [...ledgers].map(async ([sale, ofSale]) => {
        const names = [...new Set(ofSale)]
        const counts = await Promise.all(names.map((name) => stock.countWaiting(name)))
        const waiting = {
          pending: counts.reduce((sum, count) => sum + count.pending, 0),
          undecided: counts.reduce((sum, count) => sum + count.undecided, 0),
        }
        // Another sale is shown only while something of it waits, or every sale that is loaded would be a figure.
        if (names.some((name) => isNear.has(name)) || waiting.pending + waiting.undecided > 0)
          show(sale, names, waiting)
        else hide(sale)
      }),
    )
  }

  function show(sale: string, ledgers: string[], waiting: { pending: number; undecided: number }): void {
    shown.set(sale, new Set(ledgers))
    pending.set({ sale }, waiting.pending)
    undecided.set({ sale }, waiting.undecided)
  }

  function hide(sale: string): void {
    shown.delete(sale)
    pending.remove({ sale })
    undecided.remove({ sale })
  }

  async function watchSagas(): Promise<void> {
    for (const [state, count] of Object.entries(await countSagas(database))) sagas.set({ state }, count)
  }

  return async () => {
    await watchSales()
    await watchSagas()
    await Promise.all([watchQueues(), watchSubscribers()]).catch((error: unknown) => {
      if (!(error instanceof BrokerUnreachable)) throw error
      log.warn({ err: error.message }, 'reading the queue lengths failed')
    })
  }
}
