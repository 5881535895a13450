import { medianOf, readings } from '../figures.ts'
import type { LoadResult } from '../load/plan.ts'
import type { Latency } from '../load/tally.ts'
import type { BenchRun, MeasureId } from '../results.ts'
import { amount, headline } from './table.ts'

const BEGIN = '<!-- bench:begin -->'
const END = '<!-- bench:end -->'

/** Replaces what stands between the markers. @throws when they are not there, once each and in order. */
export function withBlock(readme: string, block: string): string {
  const [before, rest, ...more] = readme.split(BEGIN)
  const [, after, ...evenMore] = rest?.split(END) ?? []
  if (before === undefined || after === undefined || more.length + evenMore.length > 0)
    throw new Error(`Expected ${BEGIN} and ${END} once each.`)
  return `${before}${BEGIN}\n${block}\n${END}${after}`
}

/** Figure of the rate, measure of the latency, and the row's name in each language. */
const ROWS: [figure: string, measure: MeasureId, en: string, zh: string][] = [
  ['accepted', 'buy', 'accepted: reserved, confirmed by the broker, answered 202', '抢到：预扣、消息确认、返回 202'],
  ['durable', 'buyWriting', 'accepted and written to PostgreSQL', '抢到且订单已写入 PostgreSQL'],
  ['soldOut', 'soldOut', 'sold out, one process', '售罄，单进程'],
  ['soldOutTwo', 'soldOutTwo', 'sold out, two processes', '售罄，双进程'],
  ['limited', 'limited', 'rate-limited', '被限流'],
  [
    'naiveQueue',
    'naiveQueue',
    'rival: the queue design as one would write it, nothing written yet',
    '对照：常见写法的队列方案（未落库）',
  ],
  ['naiveStatement', 'naiveStatement', 'rival: one hand-written SQL statement', '对照：手写单条 SQL'],
  [
    'naiveConditional',
    'naiveConditional',
    'rival: Prisma transaction, conditional UPDATE',
    '对照：Prisma 事务，条件 UPDATE',
  ],
  [
    'naiveForUpdate',
    'naiveForUpdate',
    'rival: Prisma transaction, SELECT … FOR UPDATE',
    '对照：Prisma 事务，SELECT … FOR UPDATE',
  ],
  ['hello', 'hello', 'yardstick: bare Express 5, "hello"', '标尺：空的 Express 5'],
]

const TEXT = {
  en: {
    head: '| | per second | × Express | p99, ms |',
    picture: 'Accepted per second beside the naive designs, and a rush that meets a steady order service',
    open: (run: BenchRun) =>
      `Buyers at a fixed rate, counted from when each meant to come: ${latencies(run)}. From the 202 to the order: ${toOrder(run)}.`,
    made: 'Closed model unless said otherwise, medians; everything and the load generator on this one machine, every sale audited:',
    again: '`npm run bench` measures it on yours; raw figures:',
  },
  zh: {
    head: '| | 每秒 | × Express | p99（毫秒）|',
    picture: '每秒抢到数与朴素方案对比；洪峰与平稳的订单服务',
    open: (run: BenchRun) =>
      `买家按固定速率到来，延迟从应到时刻算起：${latencies(run)}。从 202 到订单：${toOrder(run)}。`,
    made: '除另说明均为闭环模型，取中位数；全部服务与压测端同在这一台机器上，每场都对过账：',
    again: '用 `npm run bench` 在您的机器上测；原始数据：',
  },
} as const
export type Language = keyof typeof TEXT

/** The short form for a README: ten rows, one picture, where and when. */
export function readmeBlock(run: BenchRun, language: Language, files: { svg: string; json: string }): string {
  const { head, picture, open, made, again } = TEXT[language]
  const medians = new Map(readings(run.rounds).map(({ figure, median }) => [figure.id, median]))
  const hello = medians.get('hello') ?? NaN
  const rows = ROWS.flatMap(([id, measure, en, zh]) => {
    const median = medians.get(id)
    if (median === undefined) return []
    const p99 = medianOf(run.rounds, (round) => round.measures[measure]?.load.latencyMs.p99)
    return [`| ${{ en, zh }[language]} | ${amount(median, 0)} | ${amount(median / hello, 2)} | ${amount(p99, 1)} |`]
  })
  return [
    head,
    '|---|---:|---:|---:|',
    ...rows,
    '',
    `![${picture}](${files.svg})`,
    '',
    open(run),
    '',
    `${made} ${headline(run)}. ${again} [${files.json}](${files.json}).`,
  ].join('\n')
}

function latencies({ rounds }: BenchRun): string {
  return (
    [
      ['latency40', '40 %'],
      ['latency70', '70 %'],
    ] as const
  )
    .map(([id, share]) => {
      const across = (of: (load: LoadResult) => number | undefined) =>
        medianOf(rounds, (round) => round.measures[id] && of(round.measures[id].load))
      const ms = (of: (latency: Latency) => number) =>
        amount(
          across(({ latencyMs }) => of(latencyMs)),
          1,
        )
      return `${share} (${amount(
        across(({ plan }) => plan.ratePerSecond),
        0,
      )}/s): p50 ${ms(({ p50 }) => p50)}, p99 ${ms(({ p99 }) => p99)}, p99.9 ${ms(({ p999 }) => p999)} ms`
    })
    .join('; ')
}

function toOrder({ rounds }: BenchRun): string {
  const ms = (percentile: 'p50' | 'p99') =>
    amount(
      medianOf(rounds, (round) => round.measures.latency40?.toOrderMs?.[percentile]),
      0,
    )
  return `p50 ${ms('p50')}, p99 ${ms('p99')} ms`
}
