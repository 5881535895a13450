import type { ListrTask } from 'listr2'
import type { Bench } from './context.ts'
import { measureBuying, measureBuyingWhileWriting, measureLatency } from './measures/buying.ts'
import { measureHello, measureRedis } from './measures/ceilings.ts'
import { measureNaive, measureNaiveQueue } from './measures/naive.ts'
import { measureLimited, measureSoldOut } from './measures/refusing.ts'
import { drain } from './orders.ts'
import type { Drain, Measured, MeasureId, Round } from './results.ts'

type Step = [title: string, id: MeasureId, run: (bench: Bench, round: Round) => Promise<Measured>]

const ceiling = (round: Round) => round.measures.buyWriting?.load.perSecond.accepted ?? 0

const ALONE: Step[] = [
  ['bare Express', 'hello', measureHello],
  ['raw Redis', 'redis', measureRedis],
  ['buy', 'buy', (bench) => measureBuying(bench, 'gateway')],
  ['buy, Express only', 'buyExpress', (bench) => measureBuying(bench, 'gateway, Express only')],
]
const WITH_ORDERS: Step[] = [
  ['buy while orders are written', 'buyWriting', measureBuyingWhileWriting],
  ['latency at 40 % of that', 'latency40', (bench, round) => measureLatency(bench, 0.4 * ceiling(round))],
  ['latency at 70 % of that', 'latency70', (bench, round) => measureLatency(bench, 0.7 * ceiling(round))],
  ['sold out', 'soldOut', (bench) => measureSoldOut(bench, 'gateway', { again: false })],
  ['sold out, the same buyers', 'soldOutAgain', (bench) => measureSoldOut(bench, 'gateway', { again: true })],
  [
    'sold out, two processes',
    'soldOutTwo',
    (bench) => measureSoldOut(bench, 'gateway, two processes', { again: false }),
  ],
  [
    'sold out, two processes, the same buyers',
    'soldOutAgainTwo',
    (bench) => measureSoldOut(bench, 'gateway, two processes', { again: true }),
  ],
  ['limited', 'limited', measureLimited],
]
const RIVALS: Step[] = [
  ['naive: SELECT … FOR UPDATE', 'naiveForUpdate', (bench) => measureNaive(bench, 'for-update')],
  ['naive: conditional UPDATE', 'naiveConditional', (bench) => measureNaive(bench, 'conditional-update')],
  ['naive: one statement', 'naiveStatement', (bench) => measureNaive(bench, 'one-statement')],
  [
    'naive: queue',
    'naiveQueue',
    async (bench, round) => {
      const { measured, drain: written } = await measureNaiveQueue(bench)
      round.naiveDrain = written
      return measured
    },
  ],
]

/** One round: everything once, so that whatever the machine does meanwhile meets all of it. */
export function roundTasks(bench: Bench, round: Round): ListrTask[] {
  const step = ([title, id, run]: Step): ListrTask => ({
    title,
    task: async (_, task) => {
      const measured = await run(bench, round)
      round.measures[id] = measured
      task.title = `${title}: ${told(measured)}`
    },
  })
  return [
    { title: 'order service stopped', task: () => bench.system.stopOrderService() },
    ...ALONE.map(step),
    {
      title: 'write what has piled up',
      task: async (_, task) => {
        round.drain = await drain(bench)
        task.title = `write what has piled up: ${toldDrain(round.drain)}`
      },
    },
    ...WITH_ORDERS.map(step),
    ...RIVALS.map(step),
  ]
}

function told({ load: { perSecond, latencyMs, unsent } }: Measured): string {
  const rates = Object.entries(perSecond)
    .filter(([, rate]) => rate > 0)
    .map(([outcome, rate]) => `${outcome} ${rate.toFixed(0)}/s`)
  return `${rates.join(', ')}; p50 ${latencyMs.p50.toFixed(1)}, p99 ${latencyMs.p99.toFixed(1)} ms${unsent > 0 ? `; ${unsent} unsent` : ''}`
}

function toldDrain({ orders, ordersPerSecond }: Drain): string {
  return `${orders} orders, ${ordersPerSecond.toFixed(0)}/s`
}
