import { barPerSide } from '../frame/chart.ts'
import type { Lab } from '../frame/lab.ts'
import type { Place } from '../frame/place.ts'
import { judge, worstLatenessMs } from './judge.ts'
import { killRedis, killWheel, scheduleRounds, type Step } from './schedule.ts'
import { databaseScan, mixedTtl, queuePerDelay, sortedSet, streamInOrder, timingWheel, type Way } from './ways.ts'

/** Messages that wait besides and are due an hour later. */
const WAITING = [100, 10_000, 100_000]

export const lab: Lab<Step> = {
  title: { en: 'Delays: a message for later', zh: '延时：晚些再来的消息' },
  question: {
    en:
      'An order that is not paid must be cancelled some minutes later: who keeps the message until then, and how ' +
      'late does it come?',
    zh: '没付款的订单几分钟后要取消：这期间谁保管这条消息，它会晚到多久？',
  },
  prediction: {
    ask: {
      en:
        'One queue: a message that has to wait for 2,000 ms, and behind it one for 200 ms. By how many ms is the ' +
        'second one late?',
      zh: '同一个队列：前一条消息要等 2,000 毫秒，后一条只等 200 毫秒。后一条会晚到多少毫秒？',
    },
    answer: ({ 'mixed-ttl': side }) => side && worstLatenessMs(side.history),
  },

  sides: {
    'mixed-ttl': {
      name: { en: 'one queue, each message with its own TTL', zh: '一个队列，每条消息各有 TTL' },
      expected: 'BREAKS',
      off: 'queue-per-delay',
      run: (place) => scheduleRounds(place, mixedTtl, [0]),
    },
    stream: {
      name: { en: 'a log, as in Kafka, read in order', zh: '日志（如 Kafka），按顺序读' },
      expected: 'BREAKS',
      run: (place) => scheduleRounds(place, streamInOrder, [0]),
    },
    'memory-killed': {
      name: { en: 'timers in memory; their process is killed', zh: '内存里的定时器，进程被杀' },
      expected: 'BREAKS',
      off: 'disk',
      run: killWheel,
    },
    'redis-killed': {
      name: { en: 'a Redis sorted set on disk; Redis is killed', zh: '落盘的 Redis 有序集合，Redis 被杀' },
      expected: 'HOLDS',
      run: killRedis,
    },
    'queue-per-delay': {
      name: { en: 'a queue for each delay', zh: '每种延时一个队列' },
      expected: 'HOLDS',
      run: (place) => rounds(place, queuePerDelay),
    },
    'database-scan': {
      name: { en: 'a table that is scanned every 50 ms', zh: '每 50 毫秒扫一次表' },
      expected: 'HOLDS',
      run: (place) => rounds(place, databaseScan),
    },
    'sorted-set': {
      name: { en: 'a Redis sorted set, read every 50 ms', zh: 'Redis 有序集合，每 50 毫秒读一次' },
      expected: 'HOLDS',
      run: (place) => rounds(place, sortedSet),
    },
    'timing-wheel': {
      name: { en: 'a timing wheel in memory, never killed', zh: '内存里的时间轮，从不被杀' },
      expected: 'HOLDS',
      run: (place) => rounds(place, timingWheel),
    },
  },

  figures: {
    lost: { en: 'lost', zh: '丢失' },
    overtaken: { en: 'overtaken', zh: '被拖住' },
    p50Ms: { en: 'p50, ms late', zh: 'p50，晚毫秒' },
    p99Ms: { en: 'p99, ms late', zh: 'p99，晚毫秒' },
    p50MsAt100: { en: '100 wait: p50', zh: '100 条在等：p50' },
    p99MsAt100: { en: '100 wait: p99', zh: '100 条在等：p99' },
    p50MsAt10k: { en: '10k wait: p50', zh: '1 万条在等：p50' },
    p99MsAt10k: { en: '10k wait: p99', zh: '1 万条在等：p99' },
    p50MsAt100k: { en: '100k wait: p50', zh: '10 万条在等：p50' },
    p99MsAt100k: { en: '100k wait: p99', zh: '10 万条在等：p99' },
  },

  judge,

  chart: (outcomes) => [
    barPerSide(
      {
        en: 'Messages that were lost, or stuck behind one that was due later',
        zh: '丢失的，以及被更晚到期的消息拖住的',
      },
      outcomes,
      'lost',
      'overtaken',
    ),
    barPerSide(
      { en: 'How late 99 % of them came at the most, in ms', zh: '99 % 的消息最多晚到多少毫秒' },
      outcomes,
      'p99Ms',
    ),
  ],

  shop: [
    {
      file: 'core/contracts/timeout-topology.ts',
      quote: 'One queue per delay whose TTL is the delay',
      says: { en: 'timeouts of unpaid orders: a queue for each delay', zh: '未付款订单的超时：每种延时一个队列' },
    },
    {
      file: 'core/platform/rabbit/delay.ts',
      quote: "return kind === 'plugin' ? byPlugin(delayMs) : byQueue(delayMs)",
      says: { en: "or RabbitMQ's plugin, where the broker has it", zh: '或者用 RabbitMQ 的延时插件（如果装了）' },
    },
    {
      file: 'core/orders/overdue.ts',
      quote: "WHERE status = 'PENDING_PAYMENT' AND payment_deadline < now() - ${graceMs} * interval '1 ms'",
      says: {
        en: 'the guarantee is a scan of the database, for orders whose message was lost',
        zh: '最后的保证是扫库，防止消息丢了',
      },
    },
  ],
}

const rounds = (place: Place<Step>, way: Way) =>
  scheduleRounds(place, way, WAITING.slice(0, place.amount(WAITING.length, 1)))
