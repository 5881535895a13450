import type { Cost, CpuMicros } from './cpu.ts'
import type { LoadResult, Percentiles } from './load/plan.ts'

/** What a bench writes down; all that it says is computed from this file again. */

export interface Measured {
  load: LoadResult
  /** Per answered request, while the load ran. Absent where the system does not tell. */
  cpuPerRequest?: CpuMicros
  disturbance?: Cost['disturbance']
  /** What earlier measures had left undone when this one began. */
  startedBefore?: string
  /** Orders with all effects, over the time from the first request to the last effect. */
  donePerSecond?: number
  /** Of everything, from the first request to the last effect. */
  cpuPerOrder?: CpuMicros
  /** From the 202 to the last subscriber's effect of the paid order. */
  toLastEffectMs?: Percentiles
}

export interface Round {
  /** By the ids in steps.ts. */
  measures: Partial<Record<string, Measured>>
  /** How fast the reservations that piled up in "buy" became orders, and those had all of their effects. */
  backlog?: { orders: number; ordersPerSecond: number; effectsPerSecond: number }
}

export interface Rush {
  /** Some looks a second. */
  moments: { atMs: number; accepted: number; orders: number }[]
  /** From the last buyer's answer to the last order, and to the last effect. */
  secondsToOrders: number
  secondsToEffects: number
}

export interface BenchOptions {
  rounds: number
  seconds: number
  connections: number
  /** Absent: all measures. */
  only?: string[]
  /** Share of the purchases that are traced; absent: tracing is off. */
  traces?: number
  /** Of a Redis Cluster; absent: one Redis. */
  masters?: number
}

/** Of a measure and its warm-up: several times what a machine of two cores carries through. */
export const payingBuyersMax = ({ seconds }: BenchOptions) => 5_000 * Math.ceil(seconds)

export interface BenchRun {
  format: 2
  at: string
  commit: string
  machine: string
  versions: Record<string, string>
  options: BenchOptions
  /** Limits that are not as shipped. */
  raised: string[]
  /** A hash of each file that was measured, by its path. */
  measured: Record<string, string>
  rounds: Round[]
  rush?: Rush
  /** Units sold in all sales, each of which was audited. */
  sold: number
  /** What should not have happened; a bench with such a line ends non-zero. */
  unexpected: string[]
}
