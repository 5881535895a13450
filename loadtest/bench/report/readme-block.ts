import { cpu, inP, medianOf, readings } from '../figures.ts'
import type { Percentiles } from '../load/plan.ts'
import type { BenchRun, Measured } from '../results.ts'
import { amount, byProcess, headline } from './table.ts'

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

/** Figure of the rate, measure of cost and latency, and the row's name in each language. */
const ROWS: [figure: string, measure: string, en: string, zh: string][] = [
  ['accepted', 'buy', 'accepted (202), order service stopped', '抢到（202），订单服务停着'],
  ['acceptedWriting', 'buyWriting', 'accepted while effects are worked off', '抢到，同时处理订单与各项后续'],
  ['carried', 'carried', 'carried through: paid, all effects had', '走完全程：付款，全部后续完成'],
  ['carriedHalf', 'carriedHalf', 'the same, half with coupon and points', '同上，半数用券和积分'],
  ['soldOut', 'soldOut', 'sold out', '售罄'],
  ['soldOutTwo', 'soldOutTwo', 'sold out, two processes', '售罄，双进程'],
  ['limited', 'limited', 'rate-limited', '被限流'],
  ['unknownPath', 'unknownPath', 'unknown path', '未知路径'],
  ['naiveQueue', 'naiveQueue', 'rival: queue, accepted', '对照：队列，抢到'],
  ['naiveStatement', 'naiveStatement', 'rival: one SQL statement, no effects', '对照：单条 SQL，无后续'],
  [
    'naiveForUpdate',
    'naiveForUpdate',
    'rival: `SELECT … FOR UPDATE`, no effects',
    '对照：`SELECT … FOR UPDATE`，无后续',
  ],
  ['naiveQueueCarried', 'naiveQueueCarried', 'rival: queue, paid, all effects', '对照：队列，付款，全部后续'],
  [
    'naiveCarried',
    'naiveCarried',
    'rival: conditional `UPDATE`, paid, all effects',
    '对照：条件 `UPDATE`，付款，全部后续',
  ],
  [
    'naiveCarriedHalf',
    'naiveCarriedHalf',
    'rival: the same, half with coupon and points',
    '对照：同上，半数用券和积分',
  ],
  ['hello', 'hello', 'yardstick H: bare Express 5', '标尺 H：空的 Express 5'],
  ['plain', 'plain', 'yardstick P: plain `node:http`', '标尺 P：普通的 `node:http`'],
]

const TEXT = {
  en: {
    head: '| | per second | CPU each, µs | in P | p99, ms |',
    picture: 'Rates beside those of the naive designs, and a rush that meets a steady order service',
    open: 'Buyers at a fixed rate, counted from when each was due, as shares of what is accepted while effects are worked off:',
    calm: 'Paying buyers at half of the rate carried through: from the 202 to the order',
    effect: 'to the last effect',
    order: 'CPU of an order carried through, µs:',
    rush: 'After the rush, seconds to the last order and to the last effect:',
    made: 'Closed model unless said otherwise, medians; everything and the load generator on this one machine, subscribers running, every sale audited. Limits raised, the others as shipped:',
    again: '`npm run bench` measures it on yours; raw figures:',
  },
  zh: {
    head: '| | 每秒 | 每次 CPU（µs）| 合 P | p99（毫秒）|',
    picture: '各项速率与朴素方案对比；洪峰与平稳的订单服务',
    open: '买家按固定速率到来，从各自应到时刻算起；百分比相对于同时处理后续时抢到的速率：',
    calm: '付款的买家以走完全程速率的一半到来：从 202 到订单',
    effect: '到最后一项后续',
    order: '一个订单走完全程的 CPU（µs）：',
    rush: '洪峰之后，到最后一个订单、最后一项后续的秒数：',
    made: '除另说明均为闭环模型，取中位数；全部服务与压测端同在这一台机器上，订阅者运行，每场都对过账。放宽的限制（其余为默认值）：',
    again: '用 `npm run bench` 在您的机器上测；原始数据：',
  },
} as const
export type Language = keyof typeof TEXT

/** The short form for a README: the rows, one picture, latencies, what an order costs, where and when. */
export function readmeBlock(run: BenchRun, language: Language, files: { svg: string; json: string }): string {
  const { rounds, rush } = run
  const text = TEXT[language]
  const medians = new Map(readings(rounds).map(({ figure, median }) => [figure.id, median]))
  const across = (id: string, of: (measured: Measured) => number | undefined) =>
    medianOf(rounds, ({ measures }) => measures[id] && of(measures[id]))
  const rows = ROWS.flatMap(([id, measure, en, zh]) => {
    const rate = medians.get(id)
    const cost = medianOf(rounds, cpu(measure))
    const p99 = across(measure, ({ load }) => (load.paid > 0 ? undefined : load.latencyMs.p99))
    const cells = [rate ?? NaN, cost, medianOf(rounds, inP(cpu(measure))), p99].map((value) => amount(value))
    return rate === undefined ? [] : [`| ${{ en, zh }[language]} | ${cells.join(' | ')} |`]
  })
  const percentiles = (id: string, of: (measured: Measured) => Percentiles | undefined) => {
    const at = (p: keyof Percentiles) => amount(across(id, (measured) => of(measured)?.[p]))
    return `p50 ${at('p50')}, p99 ${at('p99')}, p99.9 ${at('p999')} ms`
  }
  const latency = (id: string, share: string) =>
    `${share} (${amount(across(id, ({ load }) => load.ratePerSecond))}/s) ${percentiles(id, ({ load }) => load.latencyMs)}`
  const toOrder = percentiles('calm', ({ load }) => load.toOrderMs)
  const toEffect = percentiles('calm', ({ toLastEffectMs }) => toLastEffectMs)
  return [
    text.head,
    '|---|---:|---:|---:|---:|',
    ...rows,
    '',
    `![${text.picture}](${files.svg})`,
    '',
    `- ${text.open} ${latency('latency40', '40 %')}; ${latency('latency70', '70 %')}.`,
    `- ${text.calm} ${toOrder}; ${text.effect} ${toEffect}.`,
    `- ${text.order} ${byProcess(rounds.at(-1)?.measures.carried?.cpuPerOrder)}.`,
    ...(rush ? [`- ${text.rush} ${amount(rush.secondsToOrders)}; ${amount(rush.secondsToEffects)}.`] : []),
    '',
    `${text.made} ${run.raised.join(', ')}. ${headline(run)}. ${text.again} [${files.json}](${files.json}).`,
  ].join('\n')
}
