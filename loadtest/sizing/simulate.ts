import { Random } from '../../test/faults/support/random.ts'
import type { Costs } from '../bench/costs.ts'
import { acceptedOf, countsOf, type Facts, type Load, loadsOf, ordersPerSecondOf, type SalePlan } from './reckon.ts'

/** When buyers arrive: a share of the sale's seconds for each draw between 0 and 1. */
export type Arrivals = (draw: number) => number
export const EVENLY: Arrivals = (draw) => draw
/** Half of them in the first fifth, as people do who wait for an opening. */
export const EARLY: Arrivals = (draw) => (draw < 0.5 ? draw * 0.4 : 0.2 + (draw - 0.5) * 1.6)

export interface Simulated {
  accepted: number
  /** From the arrival of a buyer to their 202, without the network and the disks. */
  acceptedSeconds: { median: number; p99: number }
  /** The same of "sold out" from a gateway's memory; 0 when all were accepted. */
  refusedSeconds: { p99: number }
  /** Most reservations that were in the intake queue at a time. */
  intakeMax: number
  /** Longest wait from the intake queue to the order. */
  orderSeconds: number
}

/** A buyer on the way through the stations. */
interface Visit {
  arrivedAt: number
  /** When the last station was done with them. */
  at: number
}

/** Whole cores, or masters; some of what they can do goes to orders that are written and paid meanwhile. */
type Cores = Pick<Load, 'cores' | 'laterCores'>

export interface Provision {
  gateway: Cores
  redis: Cores
  rabbitmq: Cores
  ordersPerSecond: number
}

/** What was reckoned for a sale. */
export function provisionOf(plan: SalePlan, costs: Costs, facts: Facts): Provision {
  const loads = loadsOf(plan, costs)
  const counts = countsOf(plan, loads, facts)
  const whole = ({ cores, laterCores }: Load): Cores => ({ cores: Math.max(1, Math.ceil(cores)), laterCores })
  return {
    gateway: whole(loads.gateway),
    redis: whole(loads.redis),
    rabbitmq: whole(loads.rabbitmq),
    ordersPerSecond: ordersPerSecondOf(plan, counts) * counts.orderServices,
  }
}

/**
 * Plays a sale, buyer by buyer, as queues one behind the other: a core with a gateway, the master with the buyer's
 * shard, a core of the broker, and the order services at their pace. Costs are constant; when buyers arrive, and which
 * core they meet, is drawn by the seed.
 */
export function simulate(plan: SalePlan, costs: Costs, provision: Provision, arrivals: Arrivals, seed = 1): Simulated {
  const random = new Random(seed)
  const arrived = Array.from({ length: plan.buyers }, () => arrivals(random.next()) * plan.seconds)
    .toSorted((one, other) => one - other)
    .map((at): Visit => ({ arrivedAt: at, at }))
  const gateways = () => new Station(provision.gateway, seed)

  // As if no gateway ever knew that the stock is gone; up to the last unit it is what happens.
  const atRedis = through(arrived, gateways(), costs.accept.gateway)
  const taken = through(atRedis, new Station(provision.redis, seed + 1), costs.accept.redis)
  const sold = taken.slice(0, acceptedOf(plan))
  const soldOutAt = taken.length > sold.length ? (sold.at(-1)?.at ?? 0) : Infinity
  const published = through(sold, new Station(provision.rabbitmq, seed + 2), costs.accept.rabbitmq)

  return {
    accepted: published.length,
    acceptedSeconds: quantiles(published),
    refusedSeconds: quantiles(refusedFromMemory(arrived, gateways(), soldOutAt, costs)),
    ...written(published, provision.ordersPerSecond),
  }
}

/** Cores, or masters, each with a queue of its own; which one a buyer meets is drawn. */
class Station {
  readonly #freeAt: Float64Array
  readonly #random: Random
  /** By how much longer everything takes, because orders are written and paid on the same cores. */
  readonly #slowdown: number

  constructor({ cores, laterCores }: Cores, seed: number) {
    this.#freeAt = new Float64Array(cores)
    this.#random = new Random(seed)
    this.#slowdown = cores / (cores - laterCores)
  }

  /** @returns when it is done with a buyer who comes then; all in seconds, the cost in µs by when it begins */
  pass(at: number, cost: (startedAt: number) => number): number {
    const core = Math.floor(this.#random.next() * this.#freeAt.length)
    const startedAt = Math.max(at, this.#freeAt[core] ?? 0)
    return (this.#freeAt[core] = startedAt + (cost(startedAt) * this.#slowdown) / 1e6)
  }
}

/** In the order in which the station is done with them. */
function through(visits: Visit[], station: Station, micros = 0): Visit[] {
  return visits
    .map(({ arrivedAt, at }) => ({ arrivedAt, at: station.pass(at, () => micros) }))
    .sort((one, other) => one.at - other.at)
}

function refusedFromMemory(arrived: Visit[], gateways: Station, soldOutAt: number, { accept, refuse }: Costs): Visit[] {
  const refused: Visit[] = []
  for (const { arrivedAt } of arrived) {
    let isRefused = false
    const at = gateways.pass(arrivedAt, (startedAt) => {
      isRefused = startedAt >= soldOutAt
      return (isRefused ? refuse.gateway : accept.gateway) ?? 0
    })
    if (isRefused) refused.push({ arrivedAt, at })
  }
  return refused
}

/** The order services take so many a second. */
function written(published: Visit[], ordersPerSecond: number): Pick<Simulated, 'intakeMax' | 'orderSeconds'> {
  let [doneAt, orderSeconds, intakeMax, done] = [0, 0, 0, 0]
  const doneAts = published.map(({ at }) => (doneAt = Math.max(at, doneAt + 1 / ordersPerSecond)))
  for (const [i, { at }] of published.entries()) {
    while ((doneAts[done] ?? Infinity) <= at) done++
    intakeMax = Math.max(intakeMax, i + 1 - done)
    orderSeconds = Math.max(orderSeconds, (doneAts[i] ?? 0) - at)
  }
  return { intakeMax, orderSeconds }
}

function quantiles(visits: Visit[]): { median: number; p99: number } {
  const sorted = Float64Array.from(visits, ({ arrivedAt, at }) => at - arrivedAt).sort()
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0
  return { median: at(0.5), p99: at(0.99) }
}
