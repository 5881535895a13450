import type { CpuMicros } from './cpu.ts'
import type { LoadResult } from './load/plan.ts'

/** What a bench writes down; everything it says is computed from this file again. */

export const MEASURES = [
  'hello',
  'redis',
  'buy',
  'buyExpress',
  'buyWriting',
  'latency40',
  'latency70',
  'soldOut',
  'soldOutAgain',
  'soldOutTwo',
  'soldOutAgainTwo',
  'limited',
  'naiveForUpdate',
  'naiveConditional',
  'naiveStatement',
  'naiveQueue',
] as const
export type MeasureId = (typeof MEASURES)[number]

export interface Measured {
  load: LoadResult
  /** By process, per answered request. Absent where the system does not tell. */
  cpuMicrosPerRequest?: CpuMicros
  /**
   * Cores that programs of others used meanwhile, and that the machine's host kept for itself: more than a little
   * spoils a figure.
   */
  disturbance?: { othersCores: number; stolenCores: number }
  /** Accepted and written to PostgreSQL: accepted in all, over the time from the first request to the last row. */
  durablePerSecond?: number
  /** From the 202 to the order, of a sample of buyers. */
  toOrderMs?: { p50: number; p99: number; samples: number }
}

/** How fast what had piled up became orders. */
export interface Drain {
  orders: number
  ordersPerSecond: number
}

export interface Round {
  measures: Partial<Record<MeasureId, Measured>>
  drain?: Drain
  /** The naive queue's consumer. */
  naiveDrain?: Drain
}

/** One look at a rush that meets a steady order service. */
export interface PeakMoment {
  atMs: number
  accepted: number
  orders: number
  waiting: number
}

export interface SaleCheck {
  saleId: string
  accepted: number
  sold: number
  balanced: boolean
  quiet: boolean
  problems: string[]
}

export interface BenchRun {
  format: 1
  at: string
  commit: string
  machine: { cpu: string; cores: number; memoryGb: number; os: string }
  versions: Record<string, string>
  options: BenchOptions
  settings: Record<string, string>
  rounds: Round[]
  peak: PeakMoment[]
  sales: SaleCheck[]
  /** Anything that should not have happened; a bench with such a line ends non-zero. */
  unexpected: string[]
}

export interface BenchOptions {
  rounds: number
  seconds: number
  connections: number
}
