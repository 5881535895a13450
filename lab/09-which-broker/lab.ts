import { barPerSide, type Panel } from '../frame/chart.ts'
import { rounded } from '../frame/figures.ts'
import type { Lab, Outcome } from '../frame/lab.ts'
import type { Place } from '../frame/place.ts'
import type { Words } from '../frame/words.ts'
import { check } from './check.ts'
import type { Entry, Row } from './entry.ts'
import type * as Work from './exercise.ts'
import { openJob } from './job.ts'
import { fastestIn, judge, rowsOf } from './judge.ts'
import { hasJars, hasJava } from './kafka-jars.ts'
import { SAVED } from './saved.ts'
import { SERVERS } from './servers.ts'
import { delayInLog, shareOneQueue } from './shortcuts.ts'
import { CANDIDATES, NAMES } from './topic.ts'

export const lab: Lab<Entry, typeof Work> = {
  title: { en: 'Which broker', zh: '选哪个消息系统' },
  question: {
    en: 'Kafka, RocketMQ or RabbitMQ, or the Redis or PostgreSQL that is there already: which, and for which job?',
    zh: 'Kafka、RocketMQ 还是 RabbitMQ，或者手边的 Redis、PostgreSQL：什么工作选哪个？',
  },
  prediction: {
    ask: {
      en: '5,000 messages are published, and each is confirmed. Which candidate confirms the most of them in a second?',
      zh: '发布 5,000 条消息，条条都有确认。哪一种每秒确认得最多？',
    },
    choices: CANDIDATES,
    answer: ({ job }) => fastestIn(job?.history ?? []),
  },

  sides: {
    'one-queue': {
      name: { en: 'two consumers on one queue, one stream, one table', zh: '两个消费者共用一条队列、一条流、一张表' },
      expected: 'BREAKS',
      off: 'partitions',
      run: shareOneQueue,
    },
    'delay-in-log': {
      name: { en: 'delayed messages in a log, read in its order', zh: '延迟消息放进日志，按顺序读' },
      expected: 'BREAKS',
      off: 'delays',
      run: delayInLog,
    },
    job: {
      name: { en: 'each as it is meant to be used, and then killed', zh: '各按各的用法，最后强杀' },
      expected: 'HOLDS',
      run: runAll,
    },
  },

  figures: {
    confirmed: { en: 'confirmed', zh: '已确认' },
    lost: { en: 'lost', zh: '丢失' },
    overtaken: { en: 'overtaken', zh: '被超过' },
    twice: { en: 'handled twice', zh: '处理两遍' },
    behind: { en: 'behind a later one', zh: '排在晚到期的之后' },
    notRolledBack: { en: 'came though rolled back', zh: '回滚了还来' },
  },

  judge,

  chart: (outcomes) => [
    barPerSide(
      { en: 'Messages overtaken, twice, late or lost', zh: '被超过、重复、迟到或丢失的消息' },
      outcomes,
      'overtaken',
      'twice',
      'behind',
      'lost',
    ),
    bars({ en: 'Confirmed per second', zh: '每秒确认' }, outcomes, ({ confirmedPerSecond }) => confirmedPerSecond),
    bars({ en: 'Consumed per second', zh: '每秒消费' }, outcomes, ({ consumedPerSecond }) => consumedPerSecond),
    bars({ en: 'Publish to consume: p99, ms', zh: '从发布到消费：p99，毫秒' }, outcomes, ({ p99Ms }) => p99Ms),
  ],

  exercise: {
    task: {
      en: 'Choose a broker for each of the five stories in stories.ts, and write it in exercise.ts.',
      zh: '为 stories.ts 里的五个故事各选一种，写在 exercise.ts 里。',
    },
    hints: [
      {
        en:
          'What does the story need, that not all of them can do? ' +
          'The table in docs/which-broker.md has a column for it.',
        zh: '这个故事要的是什么本事，并非人人都有？docs/zh/which-broker.md 的表里有这一列。',
      },
      {
        en:
          'A queue forgets a message that was acknowledged, and a log keeps it; ' +
          'a log keeps its order, and so cannot let one message wait.',
        zh: '队列确认一条就忘一条，日志则留着；日志只按顺序读，所以没法让一条消息单独等待。',
      },
      {
        en: 'Two of the stories need a log, two a queue, and one a transaction of the database.',
        zh: '两个故事要日志，两个要队列，一个要数据库的事务。',
      },
    ],
    check: async (_, work) => check(work),
  },

  shop: [
    {
      file: 'core/contracts/topology.ts',
      quote:
        '/** Durable and replicated; a message that is refused goes to the dead letters and is held until it is there. */',
      says: { en: 'work is in quorum queues: each message is done once', zh: '工作都在 quorum 队列里：每条只做一次' },
    },
    {
      file: 'core/contracts/timeout-topology.ts',
      quote: 'One queue per delay whose TTL is the delay',
      says: { en: 'orders that are not paid: delayed messages', zh: '未付款的订单：延迟消息' },
    },
    {
      file: 'core/contracts/subscriber-topology.ts',
      quote: "arguments: { 'hash-property': 'correlation_id' }",
      says: { en: 'events of an order are in the same partition', zh: '同一订单的事件都在同一个分区' },
    },
    {
      file: 'order-service/payments/send-refunds.ts',
      quote: 'FOR UPDATE OF r SKIP LOCKED',
      says: { en: 'refunds: the table is the queue', zh: '退款：表就是队列' },
    },
  ],
}

async function runAll(place: Place<Entry>): Promise<void> {
  const why = hasJava() ? (hasJars() ? undefined : 'NO_JARS') : 'NO_JAVA'
  const servers = SERVERS.filter(({ candidates }) => !candidates.includes('kafka') || !why)
  const jobs = await Promise.all(servers.map(({ start, candidates }) => openJob(place, start, candidates)))
  // The tests judge no rates.
  if (place.isShort) await Promise.all(jobs.map((job) => job.measure()))
  else for (const job of jobs) await job.measure()
  await Promise.all(jobs.map((job) => job.delayAndKill()))
  if (!why) return
  const { date, machine, rows } = SAVED
  const row = rows.find(({ candidate }) => candidate === 'kafka')
  const saved = row && { row, date, machine }
  place.record({ candidate: 'kafka', did: 'SAVED', phase: 'rush', at: place.now(), text: why, ...(saved && { saved }) })
}

const bars = (title: Words, outcomes: Outcome<Entry>[], value: (row: Row) => number): Panel => ({
  title,
  bars: outcomes
    .flatMap(({ history }) => rowsOf(history))
    .map((row) => {
      const name = NAMES[row.candidate]
      return { name: { en: name, zh: name }, value: rounded(value(row)) }
    }),
})
