import { join } from 'node:path'
import { withBlock } from '../../loadtest/bench/report/readme-block.ts'
import { amount } from '../frame/figures.ts'
import type { Language, Words } from '../frame/words.ts'
import type { Row } from './entry.ts'
import type { Saved } from './saved.ts'
import { type Candidate, NAMES } from './topic.ts'

const DOCS = join(import.meta.dirname, '../../docs')

/** Where the table stands. */
export const PAGES: Record<Language, string> = {
  en: join(DOCS, 'which-broker.md'),
  zh: join(DOCS, 'zh/which-broker.md'),
}

/** How a candidate does what the run has shown that it can do. */
const HOW: Record<'delays' | 'orders' | 'shares' | 'rereads' | 'rollsBack', Partial<Record<Candidate, Words>>> = {
  delays: {
    classic: { en: 'a queue for each delay (TTL)', zh: '每种延时一条队列（TTL）' },
    quorum: { en: 'a queue for each delay (TTL)', zh: '每种延时一条队列（TTL）' },
    postgres: { en: 'a column in the WHERE', zh: 'WHERE 里的一列' },
  },
  orders: {
    classic: { en: 'a queue for each partition', zh: '每个分区一条队列' },
    quorum: { en: 'a queue for each partition', zh: '每个分区一条队列' },
    stream: { en: 'a stream for each partition', zh: '每个分区一条流' },
    redis: { en: 'a stream for each partition', zh: '每个分区一条流' },
    postgres: { en: 'a column for the partition', zh: '一列写分区' },
    kafka: { en: 'partitions', zh: '分区' },
  },
  shares: {
    redis: { en: 'consumer group', zh: '消费者组' },
    postgres: { en: '`SKIP LOCKED`', zh: '`SKIP LOCKED`' },
  },
  rereads: {},
  rollsBack: { postgres: { en: 'the same transaction', zh: '同一个事务' } },
}

const COLUMNS: { head: Words; cell: (row: Row, language: Language) => string }[] = [
  { head: { en: '', zh: '' }, cell: ({ candidate, version }) => `**${NAMES[candidate]}** ${version}` },
  {
    head: { en: 'confirmed/s', zh: '确认/秒' },
    cell: ({ confirmedPerSecond }) => amount(Math.round(confirmedPerSecond)),
  },
  { head: { en: 'consumed/s', zh: '消费/秒' }, cell: ({ consumedPerSecond }) => amount(Math.round(consumedPerSecond)) },
  { head: { en: 'p99, ms', zh: 'p99（毫秒）' }, cell: ({ p99Ms }) => amount(p99Ms) },
  { head: { en: 'left after `kill -9`', zh: '`kill -9` 之后还在' }, cell: leftIn },
  { head: { en: 'delays a message', zh: '延迟消息' }, cell: (row, language) => can(row, 'delays', language) },
  { head: { en: 'order per key', zh: '按键有序' }, cell: (row, language) => can(row, 'orders', language) },
  { head: { en: 'next free worker', zh: '空闲者先取' }, cell: (row, language) => can(row, 'shares', language) },
  { head: { en: 'read again', zh: '重读' }, cell: (row, language) => can(row, 'rereads', language) },
  { head: { en: 'rolls back with rows', zh: '随表回滚' }, cell: (row, language) => can(row, 'rollsBack', language) },
]

function leftIn({ left, confirmed }: Row, language: Language): string {
  const [some, all] = [amount(left), amount(confirmed)]
  return language === 'en' ? `${some} of ${all}` : `${all} 条里 ${some} 条`
}

function can(row: Row, what: keyof typeof HOW, language: Language): string {
  if (!row[what]) return '–'
  return HOW[what][row.candidate]?.[language] ?? { en: 'yes', zh: '能' }[language]
}

/** The page with the table of this run in the place of the one before. */
export function withTable(page: string, { rows, machine, date }: Saved, language: Language): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  const made: Words = {
    en: `One run on ${date}: ${machine}. One node of each, all on this one machine.`,
    zh: `${date} 的一次运行：${machine}。每种一个节点，都在这一台机器上。`,
  }
  const table = [
    line(COLUMNS.map(({ head }) => head[language])),
    line(COLUMNS.map(() => '---')),
    ...rows.map((row) => line(COLUMNS.map(({ cell }) => cell(row, language)))),
  ]
  return withBlock(page, ['', ...table, '', made[language], ''].join('\n'))
}
