/** What the bench and its load generator tell each other. */

/** What an answer means to a buyer: rates are told apart by it. */
export const OUTCOMES = ['accepted', 'soldOut', 'limited', 'notFound', 'busy', 'other'] as const
export type Outcome = (typeof OUTCOMES)[number]
export type Counts = Record<Outcome, number>
export const noCounts = () => Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Counts

/** 200 is a yardstick's, 201 that of a design which answers with the order itself. */
const ACCEPTED = [200, 201, 202]
const REFUSED: Record<number, Outcome> = { 404: 'notFound', 409: 'soldOut', 429: 'limited', 503: 'busy' }
export const outcomeOf = (status: number): Outcome =>
  ACCEPTED.includes(status) ? 'accepted' : (REFUSED[status] ?? 'other')

/** One run of the generator: POSTs of `{"quantity":1}`, each with another buyer's token. */
export interface LoadPlan {
  url: string
  seconds: number
  connections: number
  /**
   * Open model: requests a second, each due at a moment of its own, however slow the answers are. Default: closed
   * model.
   */
  ratePerSecond?: number
  firstBuyer: number
  /** After so many buyers it is the first one's turn again. */
  buyers?: number
  /** Accepted buyers wait until the reservation has become an order, and pay it. */
  pays?: boolean
  /** Every other buyer names points, and the coupon whose code is this and the buyer's number. */
  couponPrefix?: string
}

export const POINTS_SPENT = 50
export const buyerIdOf = (buyer: number) => `bench-${buyer}`
/** Whether the buyer of that number names coupon and points. */
export const isWishing = (buyer: number) => buyer % 2 === 1

/** Milliseconds. */
export type Percentiles = Record<'p50' | 'p99' | 'p999', number>

export interface LoadResult {
  startedAtMs: number
  /** When the last answer came, those to buyers who wait and pay included. */
  endedAtMs: number
  ratePerSecond?: number
  outcomes: Counts
  /** From the answers within the time. */
  perSecond: Counts
  /** From the moment when the request was due: in the open model also when it had to wait for a connection. */
  latencyMs: Percentiles
  /** From the 202 to the order, of the buyers who pay. */
  toOrderMs?: Percentiles
  paid: number
  /** Accepted per tick. */
  timeline: number[]
  /** Where the next run goes on with new buyers. */
  nextBuyer: number
  /** Requests that were not answered, and steps of buyers that failed; the first few. */
  failures: string[]
}

export const TICK_MS = 250

export interface PaidOrder {
  id: string
  acceptedAtMs: number
}

export type FromWorker = { result: LoadResult; orders: PaidOrder[] } | { error: string }
