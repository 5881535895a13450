import type { Bench } from '../context.ts'
import { measure, type MeasureOptions } from '../measure.ts'
import { OrderWatch } from '../order-watch.ts'
import { untilAllPlaced } from '../orders.ts'
import type { Measured } from '../results.ts'
import type { GatewayName } from '../settings.ts'

/** More than anybody buys here; the most a sale can have. */
const STOCK = 10_000_000
const SAMPLES_PER_SECOND = 20
/** How far the open model's connections may grow: as many as eight times the closed model's. */
const GROWTH = 8

export const SERVERS = ['order-service', 'cancel-worker', 'redis', 'rabbitmq', 'postgres']

/** The light side alone: what it accepts piles up in the broker, because no order service runs. */
export async function measureBuying(bench: Bench, gateway: GatewayName): Promise<Measured> {
  return await measure(bench, await buying(bench, gateway))
}

/** The whole way: accepted, and written to PostgreSQL beside it. */
export async function measureBuyingWhileWriting(bench: Bench): Promise<Measured> {
  const measured = await measure(bench, {
    ...(await buying(bench, 'gateway')),
    afterWarmUp: () => untilAllPlaced(bench),
  })
  await untilAllPlaced(bench)
  const seconds = (Date.now() - measured.load.startedAtMs) / 1_000
  return { ...measured, durablePerSecond: measured.load.outcomes.accepted / seconds }
}

/** Buyers come at a fixed rate; orders are written beside it, and some of them timed. */
export async function measureLatency(bench: Bench, ratePerSecond: number): Promise<Measured> {
  const watch = new OrderWatch(bench.system.gateways.gateway)
  const measured = await measure(bench, {
    ...(await buying(bench, 'gateway')),
    plan: {
      mode: 'open',
      ratePerSecond,
      connectionsMax: bench.options.connections * GROWTH,
      samplesPerSecond: SAMPLES_PER_SECOND,
    },
    afterWarmUp: () => untilAllPlaced(bench),
    onSample: watch.watch,
  })
  const toOrderMs = await watch.figures()
  await untilAllPlaced(bench)
  return { ...measured, toOrderMs }
}

async function buying(bench: Bench, gateway: GatewayName): Promise<MeasureOptions> {
  const saleId = await bench.controlRoom.openSale(STOCK)
  bench.accepted.set(saleId, 0)
  return {
    name: `buying (${gateway})`,
    saleId,
    url: buyUrl(bench, gateway, saleId),
    processes: [gateway, ...SERVERS],
    expected: ['accepted'],
  }
}

export function buyUrl({ system }: Bench, gateway: GatewayName, saleId: string): string {
  // A path that ends with a slash is left to Express's router.
  const end = gateway === 'gateway, Express only' ? '/' : ''
  return `${system.gateways[gateway]}/sales/${saleId}/reservations${end}`
}
