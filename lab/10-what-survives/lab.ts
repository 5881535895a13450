import type { Bar } from '../frame/chart.ts'
import { rounded } from '../frame/figures.ts'
import type { Lab, Outcome } from '../frame/lab.ts'
import { type Entry, WAYS } from './entry.ts'
import { type Fate, fates, judge } from './judge.ts'
import { killRabbitmq } from './rabbitmq.ts'
import { killRedis } from './redis.ts'

export const lab: Lab<Entry> = {
  title: { en: 'What survives a kill', zh: '强杀之后还剩什么' },
  question: {
    en: 'A message is sent, and the server that has it is killed: when is it still there afterwards?',
    zh: '消息发出去了，保存它的服务器被强杀：什么情况下重启后它还在？',
  },
  prediction: {
    ask: {
      en:
        '2,000 transient messages go into a durable queue, and the broker confirms each. It is killed and started ' +
        'again. How many are left?',
      zh: '2,000 条非持久消息进入持久队列，服务器逐条确认。然后强杀、重启。还剩几条？',
    },
    answer: ({ forgets }) => fates(forgets?.history ?? []).find(({ way }) => way === 'transient')?.left,
  },

  sides: {
    forgets: {
      name: {
        en: 'RabbitMQ: transient messages; persistent ones sent one-way',
        zh: 'RabbitMQ：非持久消息；单向发送的持久消息',
      },
      expected: 'BREAKS',
      run: (place) => killRabbitmq(place, ['transient', 'one-way']),
    },
    'older-copy': {
      name: { en: 'Redis: everysec; started again from an older copy', zh: 'Redis：everysec；用旧副本重启' },
      expected: 'BREAKS',
      async run(place) {
        for (const way of ['everysec', 'everysec-copy', 'always-copy'] as const) await killRedis(place, way)
      },
    },
    keeps: {
      name: {
        en: 'RabbitMQ: persistent messages, each confirmed; a quorum queue',
        zh: 'RabbitMQ：持久消息，条条确认；quorum 队列',
      },
      expected: 'HOLDS',
      run: (place) => killRabbitmq(place, ['sync', 'async', 'quorum']),
    },
    'own-log': {
      name: { en: 'Redis: always; started again from its own log', zh: 'Redis：always；用自己的日志重启' },
      expected: 'HOLDS',
      run: (place) => killRedis(place, 'always'),
    },
  },

  figures: {
    told: { en: 'taken to be safe', zh: '被认为已安全' },
    left: { en: 'left', zh: '还在' },
    lost: { en: 'lost', zh: '丢失' },
  },

  judge,

  chart: (outcomes) => [
    {
      title: { en: 'Lost, of 100 messages taken to be safe', zh: '每 100 条被认为已安全的消息，丢失几条' },
      bars: bars(outcomes, ({ told, lost }) => (100 * lost.length) / Math.max(1, told.length), true),
    },
    {
      title: { en: 'What it costs: milliseconds per message', zh: '代价：每条消息多少毫秒' },
      bars: bars(outcomes, ({ msPerMessage }) => msPerMessage, false),
    },
  ],

  shop: [
    {
      file: 'core/platform/rabbit/confirmed.ts',
      quote: 'persistent: true',
      says: { en: 'every message is persistent, and its confirm is awaited', zh: '每条消息都持久，并等待确认' },
    },
    {
      file: 'core/contracts/topology.ts',
      quote: "'x-queue-type': 'quorum',\n      'x-max-length': items,",
      says: { en: 'every work queue is a quorum queue', zh: '每条工作队列都是 quorum 队列' },
    },
    {
      file: 'dev/servers/redis.ts',
      quote: "appendfsync: 'always'",
      says: { en: 'Redis syncs its log before each answer', zh: 'Redis 每次回答之前都同步日志' },
    },
  ],
}

const bars = (outcomes: Outcome<Entry>[], value: (fate: Fate) => number, isBad: boolean): Bar[] =>
  outcomes
    .flatMap(({ history }) => fates(history))
    .map((fate) => ({ name: WAYS[fate.way], value: rounded(value(fate)), isBad }))
