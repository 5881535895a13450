import type { MeasureId, Round } from './results.ts'

/** One line of every report: how to read it out of a round, and what is asked of it. */
export interface Figure {
  id: string
  section: 'ratios' | 'rates per second' | 'milliseconds'
  label: string
  of: (round: Round) => number | undefined
  better: 'more' | 'less'
  digits: number
  /** The project's targets, for this very ratio. */
  must?: number
  aim?: number
}

const rate =
  (id: MeasureId, outcome: 'accepted' | 'soldOut' | 'limited' = 'accepted') =>
  (round: Round) =>
    round.measures[id]?.load.perSecond[outcome]
const p99 = (id: MeasureId) => (round: Round) => round.measures[id]?.load.latencyMs.p99
const durable = (id: MeasureId) => (round: Round) => round.measures[id]?.durablePerSecond
type Read = Figure['of']

/** Neighbours of the same round: rates of a shared machine drift, ratios of neighbours hold. */
function ratio(id: string, label: string, above: Read, below: Read, must?: number, aim?: number): Figure {
  const of: Read = (round) => {
    const [a, b] = [above(round), below(round)]
    return a === undefined || !b ? undefined : a / b
  }
  return {
    id,
    section: 'ratios',
    label,
    of,
    better: 'more',
    digits: 2,
    ...(must !== undefined && { must }),
    ...(aim !== undefined && { aim }),
  }
}
const perSecond = (id: string, label: string, of: Read): Figure => ({
  id,
  section: 'rates per second',
  label,
  of,
  better: 'more',
  digits: 0,
})
const ms = (id: string, label: string, of: Read, must?: number, aim?: number): Figure => ({
  id,
  section: 'milliseconds',
  label,
  of,
  better: 'less',
  digits: 1,
  ...(must !== undefined && { must }),
  ...(aim !== undefined && { aim }),
})

const bestPrisma: Read = (round) => Math.max(rate('naiveForUpdate')(round) ?? 0, rate('naiveConditional')(round) ?? 0)
const written: Read = (round) => round.drain?.ordersPerSecond
const naiveWritten: Read = (round) => round.naiveDrain?.ordersPerSecond

const FIGURES: Figure[] = [
  ratio('buy/hello', 'buy / bare Express', rate('buy'), rate('hello'), 2.5, 4),
  ratio('buyWriting/hello', 'buy while orders are written / bare Express', rate('buyWriting'), rate('hello'), 2, 3),
  ratio('buy/naiveQueue', 'buy / the queue design as one would write it', rate('buy'), rate('naiveQueue'), 3.5, 5),
  ratio('buy/redis', 'buy / the reserve script alone', rate('buy'), rate('redis'), 0.3, 0.5),
  ratio('buy/buyExpress', 'buy / buy through Express', rate('buy'), rate('buyExpress')),
  ratio('soldOut/hello', 'sold out / bare Express', rate('soldOut', 'soldOut'), rate('hello'), 5, 8),
  ratio(
    'soldOutTwo/hello',
    'sold out, two processes / bare Express',
    rate('soldOutTwo', 'soldOut'),
    rate('hello'),
    9,
    12,
  ),
  ratio('limited/hello', 'limited / bare Express', rate('limited', 'limited'), rate('hello'), 5, 8),
  ratio('durable/prisma', 'accepted and written / best Prisma transaction', durable('buyWriting'), bestPrisma, 25, 40),
  ratio(
    'durable/statement',
    'accepted and written / one hand-written statement',
    durable('buyWriting'),
    rate('naiveStatement'),
    5,
    8,
  ),
  ratio('written/naive', 'orders in batches / one by one', written, naiveWritten, 25, 45),

  ms('p99at40', 'p99 of buying at 40 % of what it takes while writing', p99('latency40'), 25, 10),
  ms('p99at70', 'p99 of buying at 70 % of that', p99('latency70'), 50, 20),
  ms('p50at40', 'p50 at 40 %', (round) => round.measures.latency40?.load.latencyMs.p50),
  ms('p999at40', 'p99.9 at 40 %', (round) => round.measures.latency40?.load.latencyMs.p999),
  ms('toOrder50', 'from 202 to the order, p50 at 40 %', (round) => round.measures.latency40?.toOrderMs?.p50),
  ms('toOrder99', 'from 202 to the order, p99 at 40 %', (round) => round.measures.latency40?.toOrderMs?.p99),

  perSecond('hello', 'bare Express', rate('hello')),
  perSecond('redis', 'the reserve script alone', rate('redis')),
  perSecond('accepted', 'accepted', rate('buy')),
  perSecond('acceptedWriting', 'accepted while orders are written', rate('buyWriting')),
  perSecond('durable', 'accepted and written', durable('buyWriting')),
  perSecond('acceptedExpress', 'accepted, through Express', rate('buyExpress')),
  perSecond('written', 'orders written while a backlog drains', written),
  perSecond('soldOut', 'sold out, new buyers', rate('soldOut', 'soldOut')),
  perSecond('soldOutAgain', 'sold out, the same buyers', rate('soldOutAgain', 'soldOut')),
  perSecond('soldOutTwo', 'sold out, new buyers, two processes', rate('soldOutTwo', 'soldOut')),
  perSecond('soldOutAgainTwo', 'sold out, the same buyers, two processes', rate('soldOutAgainTwo', 'soldOut')),
  perSecond('limited', 'limited', rate('limited', 'limited')),
  perSecond('naiveForUpdate', 'naive: Prisma, SELECT … FOR UPDATE', rate('naiveForUpdate')),
  perSecond('naiveConditional', 'naive: Prisma, conditional UPDATE', rate('naiveConditional')),
  perSecond('naiveStatement', 'naive: one hand-written statement', rate('naiveStatement')),
  perSecond('naiveQueue', 'naive: queue, nobody consuming', rate('naiveQueue')),
  perSecond('naiveWritten', 'naive: queue, written by its consumer', naiveWritten),
]

export interface Reading {
  figure: Figure
  /** One per round that has it. */
  values: number[]
  median: number
  low: number
  high: number
  verdict?: 'aim met' | 'met' | 'missed'
}

/** @returns only what the rounds have. */
export function readings(rounds: Round[]): Reading[] {
  return FIGURES.flatMap((figure) => {
    const values = rounds.flatMap((round) => figure.of(round) ?? []).filter(Number.isFinite)
    return values.length > 0 ? [read(figure, values)] : []
  })
}

export function read(figure: Figure, values: number[]): Reading {
  const middle = median(values)
  const reading: Reading = { figure, values, median: middle, low: Math.min(...values), high: Math.max(...values) }
  if (figure.must === undefined || figure.aim === undefined) return reading
  const reaches = (target: number) => (figure.better === 'more' ? middle >= target : middle <= target)
  return { ...reading, verdict: reaches(figure.aim) ? 'aim met' : reaches(figure.must) ? 'met' : 'missed' }
}

/** Over the rounds that have it; NaN when none has. */
export function medianOf(rounds: Round[], of: Figure['of']): number {
  return median(rounds.flatMap((round) => of(round) ?? []))
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (i: number) => sorted[i] ?? NaN
  const half = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? at(half) : (at(half - 1) + at(half)) / 2
}
