import { draw } from '../../dev/draw.ts'
import { type Bench } from './measure.ts'
import * as measures from './measures.ts'
import type { NaiveShop } from './naive-shop.ts'
import type { Measured, Round } from './results.ts'

type Step = (bench: Bench, naive: NaiveShop, before: Round) => Promise<Measured>

const ceiling = ({ measures: { buyWriting } }: Round) => buyWriting?.load.perSecond.accepted ?? 0

/** The measures of a round, in this order; each may use figures of those before it in its round. */
const STEPS = {
  plain: (bench) => measures.measureYardstick(bench, 'plain'),
  hello: (bench) => measures.measureYardstick(bench, 'hello'),
  buy: (bench) => measures.measureBuying(bench),
  buyWriting: (bench) => measures.measureBuying(bench, { toTheEnd: true }),
  carried: (bench) => measures.measureBuying(bench, { plan: { pays: true }, toTheEnd: true }),
  carriedHalf: (bench) => measures.measureCarriedHalf(bench),
  calm: (bench, _naive, { measures: { carried } }) =>
    measures.measureOpen(bench, 0.5 * (carried?.donePerSecond ?? 0), { pays: true }),
  latency40: (bench, _naive, before) => measures.measureOpen(bench, 0.4 * ceiling(before)),
  latency70: (bench, _naive, before) => measures.measureOpen(bench, 0.7 * ceiling(before)),
  soldOut: (bench) => measures.measureSoldOut(bench),
  soldOutTwo: (bench) => measures.measureSoldOutTwo(bench),
  limited: (bench) => measures.measureLimited(bench),
  unknownPath: (bench) => measures.measureUnknownPath(bench),
  naiveForUpdate: (bench, naive) => naive.measure(bench, 'for-update'),
  naiveConditional: (bench, naive) => naive.measure(bench, 'conditional-update'),
  naiveStatement: (bench, naive) => naive.measure(bench, 'one-statement'),
  naiveQueue: (bench, naive) => naive.measure(bench, 'queue'),
  naiveCarried: (bench, naive) => naive.measureCarried(bench, 'conditional-update'),
  naiveCarriedHalf: (bench, naive) => naive.measureCarried(bench, 'conditional-update', { couponsAndPoints: true }),
  naiveQueueCarried: (bench, naive) => naive.measureCarried(bench, 'queue'),
} satisfies Record<string, Step>

export type StepId = keyof typeof STEPS
export const STEP_IDS = Object.keys(STEPS) as StepId[]
export const stepOf = (id: StepId): Step => STEPS[id]
export const isStep = (id: string): id is StepId => id in STEPS

/** What others are compared with, or take their rate from. */
const BASIS: StepId[] = ['plain', 'hello', 'buy', 'buyWriting', 'carried']

/** @returns the basis and `count` others, the same for the same seed. */
export function drawSteps(count: number, seed: string): StepId[] {
  const others = STEP_IDS.filter((id) => !BASIS.includes(id))
  return [...BASIS, ...draw(others, count, seed, (id) => id)]
}
