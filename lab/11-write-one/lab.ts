import { barPerSide } from '../frame/chart.ts'
import type { Lab } from '../frame/lab.ts'
import { crash, type Step, throughRabbitmq } from './crash.ts'
import { judge } from './judge.ts'

export const lab: Lab<Step> = {
  title: { en: 'Write one: a message queue in 200 lines', zh: '自己写：200 行的消息队列' },
  question: {
    en: 'What is inside a message queue, so that it loses nothing that it has confirmed?',
    zh: '消息队列里面有什么，才能让它确认过的都不丢？',
  },
  prediction: {
    ask: {
      en:
        'A queue of 200 lines writes each message to disk before it confirms it. How many percent of the confirmed ' +
        'messages per second of RabbitMQ does it reach?',
      zh: '一个 200 行的队列，每条消息先落盘再确认。每秒确认的消息数，能达到 RabbitMQ 的百分之几？',
    },
    answer({ killed, rabbitmq }) {
      const [own, its] = [killed, rabbitmq].map((side) => side?.verdict.figures.perSecond)
      return own && its ? Math.round((100 * own) / its) : undefined
    },
  },

  sides: {
    'confirm-first': {
      name: { en: 'ours, which confirms before it writes', zh: '自己写的，先确认再落盘' },
      expected: 'BREAKS',
      off: 'write-first',
      run: (place) => crash(place, { flaw: 'confirm-first' }),
    },
    'ack-on-take': {
      name: { en: 'ours, which forgets what is taken', zh: '自己写的，取走就忘' },
      expected: 'BREAKS',
      off: 'redelivery',
      run: (place) => crash(place, { flaw: 'ack-on-take' }),
    },
    'one-copy': {
      name: { en: 'ours, one copy; its disk is lost', zh: '自己写的，只有一份，磁盘丢了' },
      expected: 'BREAKS',
      off: 'follower',
      run: (place) => crash(place, { losesDisk: true }),
    },
    killed: {
      name: { en: 'ours; its process is killed', zh: '自己写的，进程被杀' },
      expected: 'HOLDS',
      run: (place) => crash(place, {}),
    },
    follower: {
      name: { en: 'ours, two copies; one disk is lost', zh: '自己写的，有两份，丢了一个磁盘' },
      expected: 'HOLDS',
      run: (place) => crash(place, { hasFollower: true, losesDisk: true }),
    },
    rabbitmq: {
      name: { en: 'RabbitMQ, for comparison; not killed', zh: 'RabbitMQ，作比较，不杀' },
      expected: 'HOLDS',
      run: throughRabbitmq,
    },
  },

  figures: {
    lost: { en: 'confirmed and lost', zh: '已确认却丢失' },
    twice: { en: 'handled again', zh: '重复处理' },
    perSecond: { en: 'confirmed per second', zh: '每秒确认' },
  },

  judge,

  chart: (outcomes) => [
    barPerSide({ en: 'Messages that were confirmed and lost', zh: '已确认却丢失的消息' }, outcomes, 'lost'),
    barPerSide({ en: 'Confirmed messages per second', zh: '每秒确认的消息' }, outcomes, 'perSecond'),
  ],

  shop: [
    {
      file: 'core/platform/rabbit/confirmed.ts',
      quote: "export type PublishOutcome = 'CONFIRMED' | 'REFUSED' | 'UNKNOWN'",
      says: { en: 'what a publisher knows when there is no confirm', zh: '没有确认时，发送方知道什么' },
    },
    {
      file: 'core/contracts/topology.ts',
      quote: 'Durable and replicated; a message that is refused goes to the dead letters',
      says: { en: 'quorum queues: a log with followers', zh: '仲裁队列：带副本的日志' },
    },
    {
      file: 'dev/servers/redis.ts',
      quote: "appendfsync: 'always'",
      says: { en: 'Redis, too, writes before it answers', zh: 'Redis 也是先落盘再回答' },
    },
  ],
}
