import type { Counts } from './outcomes.ts'
import type { Latency } from './tally.ts'

/** One run of the generator. */
export interface LoadPlan {
  /** `http` buys at `url`; `redis` runs the reserve script itself, as the ceiling of any gateway. */
  kind: 'http' | 'redis'
  url: string
  mode: 'closed' | 'open'
  seconds: number
  /** Opened before the clock starts. */
  connections: number
  /** Open model: how far their number may grow when buyers wait. */
  connectionsMax: number
  /** Open model. */
  ratePerSecond?: number
  /** The first buyer's number; every request is the next buyer's. */
  firstBuyer: number
  /** After so many buyers it is the first one's turn again. */
  buyers?: number
  /** Open model: tell of so many accepted buyers a second while it runs. */
  samplesPerSecond?: number
}

/** A buyer who was told 202, at that moment of this machine's clock. */
export interface Sample {
  reservationId: string
  token: string
  acceptedAtMs: number
}

export interface LoadResult {
  plan: LoadPlan
  startedAtMs: number
  sent: number
  /** Open model: due within the time, and no connection was free. */
  unsent: number
  /** Sent, and no answer came: lost with their connection, or later than the wait for stragglers. */
  unanswered: number
  outcomes: Counts
  /** From the answers within the time. */
  perSecond: Counts
  statuses: Record<number, number>
  latencyMs: Latency
  /** Answers per tick of 250 ms. */
  timeline: Counts[]
  connectionsUsed: number
  /** Where the next run goes on: after the last new buyer, or with the same ones again. */
  nextBuyer: number
  /** Of the generator itself. */
  cpu: { microsPerRequest: number; shareOfOneCore: number }
  failures: string[]
}

/** What the bench and its generator tell each other. */
export interface ToWorker {
  plan: LoadPlan
  /** Buyers who are to have their tokens before the clock starts. */
  signIn: number
}
export interface FromWorker {
  result?: LoadResult
  sample?: Sample
  error?: string
}
