import { type Costs, costsOf } from '../costs.ts'
import type { BenchRun } from '../results.ts'
import type { Language } from './readme-block.ts'

const HEAD: Record<Language, string> = {
  en: '| µs of CPU | accepted (202) | its order, with all effects | refused (sold out) | paid |',
  zh: '| CPU 微秒 | 接受（202） | 它的订单及全部效果 | 拒绝（售罄） | 已付款 |',
}
const COMPONENTS: [process: string, names: Record<Language, string>][] = [
  ['gateway', { en: 'gateway', zh: '网关' }],
  ['redis', { en: 'Redis', zh: 'Redis' }],
  ['rabbitmq', { en: 'RabbitMQ', zh: 'RabbitMQ' }],
  ['order-service', { en: 'order service', zh: '订单服务' }],
  ['postgres', { en: 'PostgreSQL', zh: 'PostgreSQL' }],
  ['subscribers', { en: 'subscribers', zh: '订阅者' }],
]
const COLUMNS: (keyof Costs)[] = ['accept', 'order', 'refuse', 'pay']

/** The costs that `npm run sizing` reckons with, as docs/scaling.md shows them. */
export function costsBlock(run: BenchRun, language: Language): string {
  const costs = costsOf(run)
  const rows = COMPONENTS.map(([process, names]) => {
    const figures = COLUMNS.map((column) => Math.round(costs[column][process] ?? 0).toLocaleString('en'))
    return `| ${names[language]} | ${figures.join(' | ')} |`
  })
  return [HEAD[language], '|---|---:|---:|---:|---:|', ...rows].join('\n')
}
