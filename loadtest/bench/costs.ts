import type { BenchRun, Measured } from './results.ts'

/** CPU in µs that one purchase takes of each process of the system. */
export type Micros = Record<string, number>

export interface Costs {
  /** A purchase that is answered 202: reserved and enqueued. */
  accept: Micros
  /** Its order: decided, written and told, with the effects of the subscribers. */
  order: Micros
  /** A refusal from memory: sold out. */
  refuse: Micros
  /** Buyer, provider and callback, and the effects of the payment. */
  pay: Micros
}

/** Not of the system. */
const OTHERS = /^(generator|bench|plain|hello|payment-provider|control-room|cancel-worker)$/

/**
 * Means over the rounds of a bench. The order is what the rush with all effects takes more than one without; the
 * payment what an order carried through takes more than that. That one is measured at its own low rate, where batches
 * are small: at higher rates a payment takes less.
 */
export function costsOf(run: BenchRun): Costs {
  const mean = (measure: string, read: (measured: Measured) => Micros | undefined): Micros => {
    const rounds = run.rounds.flatMap(({ measures }) => {
      const found = measures[measure] && read(measures[measure])
      return found ? [found] : []
    })
    if (rounds.length === 0)
      throw new Error(`The bench has no CPU for "${measure}"; it must run on Linux, without --only`)
    const names = new Set(rounds.flatMap(Object.keys).filter((name) => !OTHERS.test(name)))
    return Object.fromEntries(
      [...names].map((name) => [name, rounds.reduce((sum, round) => sum + (round[name] ?? 0), 0) / rounds.length]),
    )
  }
  const accept = mean('buy', ({ cpuPerRequest }) => cpuPerRequest)
  const written = mean('buyWriting', ({ cpuPerOrder }) => cpuPerOrder)
  const paid = mean('carried', ({ cpuPerOrder }) => cpuPerOrder)
  return {
    accept,
    order: without(written, accept),
    refuse: mean('soldOut', ({ cpuPerRequest }) => cpuPerRequest),
    pay: without(paid, written),
  }
}

const without = (more: Micros, less: Micros): Micros =>
  Object.fromEntries(Object.entries(more).map(([name, micros]) => [name, Math.max(0, micros - (less[name] ?? 0))]))
