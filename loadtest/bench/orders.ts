import { setTimeout as delay } from 'node:timers/promises'
import type { Bench } from './context.ts'
import type { Drain } from './results.ts'

const LOOK_EVERY_MS = 50
const DRAIN_LIMIT_MS = 300_000

/** Orders placed since the order service was started, by its own count. */
export async function ordersPlaced({ system }: Bench): Promise<number> {
  const text = await (await fetch(`${system.env.ORDER_SERVICE_URL}/metrics`)).text()
  const lines = text
    .split('\n')
    .filter((line) => line.startsWith('seckill_decisions_total{') && line.includes('outcome="ORDERED"'))
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

/** Reservations that are neither order nor rejected, in all sales of the bench. */
export async function waitingReservations({ stock, accepted }: Bench): Promise<number> {
  const counts = await Promise.all([...accepted.keys()].map((saleId) => stock.countUndecided(saleId)))
  return counts.reduce((sum, count) => sum + count, 0)
}

/** @throws when they do not all become orders in time. */
export async function untilAllPlaced(bench: Bench): Promise<void> {
  for (const until = Date.now() + DRAIN_LIMIT_MS; (await waitingReservations(bench)) > 0; ) {
    if (Date.now() > until)
      throw new Error(
        `${await waitingReservations(bench)} reservations still wait for their orders after ${DRAIN_LIMIT_MS / 1_000} s.`,
      )
    await delay(LOOK_EVERY_MS)
  }
}

/**
 * Starts the order service on what has piled up. The clock runs from the first order that is seen, not from its start.
 */
export async function drain(bench: Bench): Promise<Drain> {
  await bench.system.startOrderService('full')
  const moments: { atMs: number; orders: number }[] = []
  const look = async () => moments.push({ orders: await ordersPlaced(bench), atMs: performance.now() })
  while ((await waitingReservations(bench)) > 0) {
    await look()
    await delay(LOOK_EVERY_MS)
  }
  await look()
  const first = moments.find(({ orders }) => orders > 0)
  const total = moments.at(-1)?.orders ?? 0
  const last = moments.find(({ orders }) => orders === total)
  if (!first || !last || last.atMs === first.atMs) return { orders: total, ordersPerSecond: 0 }
  return { orders: total, ordersPerSecond: (total - first.orders) / ((last.atMs - first.atMs) / 1_000) }
}
