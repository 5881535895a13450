import { setTimeout as delay } from 'node:timers/promises'
import type { Bench } from '../context.ts'
import type { Counts } from '../load/outcomes.ts'
import { TICK_MS } from '../load/tally.ts'
import { ordersPlaced, waitingReservations } from '../orders.ts'
import type { PeakMoment } from '../results.ts'
import { buyUrl } from './buying.ts'

/** The default steady rate needs 20 s for so many. */
const BUYERS_MAX = 40_000

/**
 * A rush that meets a steady order service: who is accepted, what waits, what is written, moment by moment, until all
 * is.
 */
export async function watchPeak(bench: Bench, ratePerSecond: number): Promise<PeakMoment[]> {
  await bench.system.startOrderService('steady')
  const saleId = await bench.controlRoom.openSale(1_000_000)
  bench.accepted.set(saleId, 0)
  const seconds = Math.min(bench.options.seconds, BUYERS_MAX / ratePerSecond)
  const { connections } = bench.options
  const startedAt = performance.now()
  const rush = bench.generator.run({
    kind: 'http',
    mode: 'open',
    url: buyUrl(bench, 'gateway', saleId),
    seconds,
    ratePerSecond,
    connections,
    connectionsMax: connections * 8,
    firstBuyer: 0,
  })
  const moments: Omit<PeakMoment, 'accepted'>[] = []
  let isOver = false
  void rush.finally(() => {
    isOver = true
  })
  for (let waiting = 0; !isOver || waiting > 0; ) {
    const [orders, now] = await Promise.all([ordersPlaced(bench), waitingReservations(bench)])
    waiting = now
    moments.push({ atMs: performance.now() - startedAt, orders, waiting })
    await delay(TICK_MS)
  }
  const { outcomes, timeline, startedAtMs } = await rush
  bench.accepted.set(saleId, outcomes.accepted)
  const rushBeganMs = startedAtMs - (Date.now() - (performance.now() - startedAt))
  return moments.map((moment) => ({ ...moment, accepted: acceptedBy(moment.atMs - rushBeganMs, timeline) }))
}

/** The generator counts by ticks; within one, answers are taken to have come evenly. */
function acceptedBy(atMs: number, timeline: Counts[]): number {
  return timeline.reduce((sum, tick, i) => sum + tick.accepted * Math.min(1, Math.max(0, atMs / TICK_MS - i)), 0)
}
