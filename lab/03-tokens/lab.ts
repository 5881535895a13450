import { barPerSide } from '../frame/chart.ts'
import type { Lab, Words } from '../frame/lab.ts'
import { doorsOf, letCome, withKilledBroker, withQueue } from './arrivals.ts'
import { ALLOWED, type Step } from './history.ts'
import { admittedAfterDeath, admittedPer100Ms, judge } from './judge.ts'
import { noLimit, shopBucket } from './limiters.ts'

/** Sides whose chart is worth a line, by a name that fits the legend. */
const LINES: Record<string, Words> = {
  'generator-dies': { en: 'generator dies', zh: '生成器死了' },
  'two-generators': { en: 'two generators', zh: '两个生成器' },
  'queue-tokens': { en: 'queue', zh: '队列令牌' },
  'shop-bucket': { en: "shop's bucket", zh: '商城的桶' },
}

export const lab: Lab<Step> = {
  title: { en: 'Tokens: a rate limit out of a queue', zh: '令牌：用队列限流' },
  question: {
    en: 'Can a bounded queue and a process that fills it with tokens limit a rate?',
    zh: '一个有界队列，加上一个往里放令牌的进程，能限流吗？',
  },
  prediction: {
    ask: {
      en:
        'The limit is 50 requests a second. After a third of 600 requests the process dies that puts tokens into ' +
        'the queue. How many of the other 400 are still admitted?',
      zh: '限额是每秒 50 个请求。600 个请求来了三分之一时，往队列放令牌的进程死了。剩下的 400 个里还会放行多少个？',
    },
    answer: ({ 'generator-dies': dies }) => dies && admittedAfterDeath(dies.history),
  },

  sides: {
    'no-limit': {
      name: { en: 'no limit', zh: '不限流' },
      expected: 'BREAKS',
      off: 'limit',
      run: async (place) => letCome(place, await doorsOf(async () => noLimit), { untilPassed: true }),
    },
    'generator-dies': {
      name: { en: 'a queue of tokens; the generator dies', zh: '队列令牌，生成器死了' },
      expected: 'BREAKS',
      off: 'generator',
      run: (place) => withQueue(place, 'DIES'),
    },
    'two-generators': {
      name: { en: 'a queue of tokens; a second generator', zh: '队列令牌，又启动一个生成器' },
      expected: 'BREAKS',
      off: 'one-generator',
      run: (place) => withQueue(place, 'IS_STARTED_TWICE'),
    },
    'broker-killed': {
      name: { en: 'a queue of tokens; the broker is killed', zh: '队列令牌，消息服务器被杀' },
      expected: 'BREAKS',
      off: 'broker',
      run: withKilledBroker,
    },
    'queue-tokens': {
      name: { en: 'a queue of tokens; all is well', zh: '队列令牌，一切正常' },
      expected: 'HOLDS',
      run: (place) => withQueue(place),
    },
    'shop-bucket': {
      name: { en: "the shop's bucket: a number in memory", zh: '商城的令牌桶：内存里的一个数' },
      expected: 'HOLDS',
      run: async (place) => {
        const bucket = shopBucket()
        await letCome(place, await doorsOf(async () => bucket))
      },
    },
  },

  figures: {
    perSecond: { en: 'admitted per second', zh: '每秒放行' },
    mostInSecond: { en: 'most in a second', zh: '一秒内最多' },
    silent: { en: 'without an answer', zh: '没有回答' },
    decisionUs: { en: 'decision, µs (median)', zh: '一次判断，微秒（中位数）' },
  },

  judge,

  chart: (outcomes) => [
    {
      title: { en: 'Admitted per 100 ms', zh: '每 100 毫秒放行数' },
      x: { en: 's', zh: '秒' },
      y: { en: 'admitted', zh: '放行' },
      lines: outcomes.flatMap(({ side, history }) => {
        const name = LINES[side]
        return name ? [{ name, points: admittedPer100Ms(history) }] : []
      }),
    },
    barPerSide(
      { en: `Most admitted in one second (${ALLOWED} are allowed)`, zh: `一秒内最多放行（允许 ${ALLOWED} 个）` },
      outcomes,
      'mostInSecond',
    ),
    barPerSide({ en: 'One decision, in µs', zh: '一次判断用多少微秒' }, outcomes, 'decisionUs'),
  ],

  shop: [
    {
      file: 'core/platform/limits/token-bucket.ts',
      quote: '((nowMs - this.#filledAtMs) / 1_000) * this.#ratePerSecond)',
      says: { en: 'no generator: the time that has passed is the tokens', zh: '没有生成器：过去的时间就是令牌' },
    },
    {
      file: 'core/stock/reserve.lua',
      quote: 'A token bucket is one number, its mark: the time at which it would be full again',
      says: { en: 'the same across all gateways, in Redis', zh: '所有网关共用的桶也是这样，在 Redis 里' },
    },
  ],
}
