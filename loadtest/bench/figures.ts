import type { CpuMicros } from './cpu.ts'
import type { Measured, Round } from './results.ts'

type Read = (round: Round) => number | undefined

/** One line of every report: how to read it out of a round, and what is asked of it. */
export interface Figure {
  id: string
  section: 'ratios' | 'rates per second' | 'milliseconds' | 'CPU, µs'
  label: string
  of: Read
  target?: number
}

const of =
  (id: string, read: (measured: Measured) => number | undefined): Read =>
  ({ measures }) =>
    measures[id] && read(measures[id])
const rate = (id: string, outcome: 'accepted' | 'soldOut' | 'limited' | 'notFound' = 'accepted') =>
  of(id, ({ load }) => load.perSecond[outcome])
const done = (id: string) => of(id, ({ donePerSecond }) => donePerSecond)
const p99 = (id: string) => of(id, ({ load }) => load.latencyMs.p99)
/** Per order where it was measured to the last effect, otherwise per request. */
export const cpu = (id: string) => of(id, ({ cpuPerOrder, cpuPerRequest }) => served(cpuPerOrder ?? cpuPerRequest))
const cpuOf = (id: string, process: string) => of(id, ({ cpuPerRequest }) => cpuPerRequest?.[process])

/** Of everything but the load generator and the bench. */
function served(used: CpuMicros | undefined): number | undefined {
  const processes = Object.entries(used ?? {}).filter(([name]) => name !== 'generator' && name !== 'bench')
  return used && processes.reduce((sum, [, micros]) => sum + micros, 0)
}

/** Of the same round: rates of a shared machine drift, ratios of neighbours hold. */
const over =
  (above: Read, below: Read): Read =>
  (round) => {
    const [a, b] = [above(round), below(round)]
    return a === undefined || !b ? undefined : a / b
  }
export const inP = (read: Read) => over(read, cpuOf('plain', 'plain'))

const section = (name: Figure['section'], rows: [id: string, label: string, read: Read, target?: number][]) =>
  rows.map(([id, label, read, target]): Figure => ({ id, section: name, label, of: read, ...(target && { target }) }))

const FIGURES: Figure[] = [
  ...section('ratios', [
    ['writing/alone', 'buy while effects are worked off / alone', over(rate('buyWriting'), rate('buy')), 0.7],
    ['buy/hello', 'buy alone / H', over(rate('buy'), rate('hello'))],
    ['buy/naiveQueue', 'buy alone / naive queue', over(rate('buy'), rate('naiveQueue'))],
    ['soldOut/hello', 'sold out / H', over(rate('soldOut', 'soldOut'), rate('hello'))],
    ['carried/naive', 'carried through / naive transaction', over(done('carried'), done('naiveCarried'))],
    ['carried/naiveQueue', 'carried through / naive queue', over(done('carried'), done('naiveQueueCarried'))],
  ]),
  ...section('rates per second', [
    ['plain', 'P: plain node:http', rate('plain')],
    ['hello', 'H: bare Express', rate('hello')],
    ['accepted', 'accepted, order service stopped', rate('buy')],
    ['acceptedWriting', 'accepted while effects are worked off', rate('buyWriting')],
    ['durable', 'accepted, written, all effects had', done('buyWriting')],
    ['carried', 'carried through: paid, all effects had', done('carried')],
    ['carriedHalf', 'carried through, half with coupon and points', done('carriedHalf')],
    ['written', 'orders written from a backlog', ({ backlog }) => backlog?.ordersPerSecond],
    ['effects', 'orders through all subscribers', ({ backlog }) => backlog?.effectsPerSecond],
    ['soldOut', 'sold out', rate('soldOut', 'soldOut')],
    ['soldOutTwo', 'sold out, two processes', rate('soldOutTwo', 'soldOut')],
    ['limited', 'limited', rate('limited', 'limited')],
    ['unknownPath', 'unknown path', rate('unknownPath', 'notFound')],
    ['naiveForUpdate', 'naive SELECT … FOR UPDATE', rate('naiveForUpdate')],
    ['naiveConditional', 'naive conditional UPDATE', rate('naiveConditional')],
    ['naiveStatement', 'naive single statement', rate('naiveStatement')],
    ['naiveQueue', 'naive queue: accepted', rate('naiveQueue')],
    ['naiveCarried', 'naive conditional UPDATE: paid, all effects', done('naiveCarried')],
    ['naiveCarriedHalf', 'naive conditional UPDATE: half with coupon and points', done('naiveCarriedHalf')],
    ['naiveQueueCarried', 'naive queue: paid, all effects', done('naiveQueueCarried')],
  ]),
  ...section('milliseconds', [
    ['p99at40', 'buying at 40 % of its ceiling, p99', p99('latency40'), 15],
    ['p99at70', 'buying at 70 % of its ceiling, p99', p99('latency70'), 40],
    ['toOrder50', 'from 202 to the order, p50', of('calm', ({ load }) => load.toOrderMs?.p50)],
    ['toOrder99', 'from 202 to the order, p99', of('calm', ({ load }) => load.toOrderMs?.p99)],
    ['toEffect50', 'from 202 to the last effect, p50', of('calm', ({ toLastEffectMs }) => toLastEffectMs?.p50)],
    ['toEffect99', 'from 202 to the last effect, p99', of('calm', ({ toLastEffectMs }) => toLastEffectMs?.p99)],
  ]),
  ...section('CPU, µs', [
    ['cpuPlain', 'P: plain node:http', cpuOf('plain', 'plain')],
    ['cpuHello', 'H: bare Express', cpuOf('hello', 'hello')],
    ['cpuBuy', 'accepted: everything', cpu('buy')],
    ['cpuBuyGateway', 'accepted: the gateway', cpuOf('buy', 'gateway')],
    ['buyInP', 'accepted: the gateway, in P', inP(cpuOf('buy', 'gateway'))],
    ['cpuCarried', 'an order carried through: everything', cpu('carried')],
    ['carriedInP', 'an order carried through, in P', inP(cpu('carried'))],
    ['cpuCarriedHalf', 'half with coupon and points: everything', cpu('carriedHalf')],
    ['soldOutInP', 'sold out: the gateway, in P', inP(cpuOf('soldOut', 'gateway')), 1.6],
    ['limitedInP', 'limited: the gateway, in P', inP(cpuOf('limited', 'gateway')), 1.6],
    ['unknownInP', 'unknown path: the gateway, in P', inP(cpuOf('unknownPath', 'gateway')), 1.6],
  ]),
]

export interface Reading {
  figure: Figure
  /** One per round that has it. */
  values: number[]
  median: number
  verdict?: 'met' | 'missed'
}

/** @returns only what the rounds have. */
export function readings(rounds: Round[]): Reading[] {
  return FIGURES.map((figure) =>
    read(
      figure,
      rounds.flatMap((round) => figure.of(round) ?? []),
    ),
  ).filter(({ values }) => values.length > 0)
}

export const isMoreBetter = ({ section: name }: Figure) => name === 'ratios' || name === 'rates per second'

export function read(figure: Figure, values: number[]): Reading {
  const middle = median(values)
  if (figure.target === undefined) return { figure, values, median: middle }
  const isMet = isMoreBetter(figure) ? middle >= figure.target : middle <= figure.target
  return { figure, values, median: middle, verdict: isMet ? 'met' : 'missed' }
}

/** Over the rounds that have it; NaN when none has. */
export function medianOf(rounds: Round[], of: Read): number {
  return median(rounds.flatMap((round) => of(round) ?? []))
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const half = Math.floor(sorted.length / 2)
  const [low = NaN, high = NaN] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[half]]
  return (low + high) / 2
}

/**
 * A difference counts when no round of the one run reaches into the other's: with three rounds each, chance alone does
 * that one time in ten.
 */
export function judgement(before: Reading, after: Reading): string {
  if (before.values.length < 2 || after.values.length < 2) return 'one round only'
  const isAbove = (one: Reading, other: Reading) => Math.min(...one.values) > Math.max(...other.values)
  if (isAbove(after, before)) return isMoreBetter(after.figure) ? 'BETTER' : 'WORSE'
  if (isAbove(before, after)) return isMoreBetter(after.figure) ? 'WORSE' : 'BETTER'
  return 'within the spread'
}
