import { barPerSide } from '../frame/chart.ts'
import type { Lab } from '../frame/lab.ts'
import type { Place } from '../frame/place.ts'
import { judge } from './judge.ts'
import { type Plan, serve, type Step } from './serve.ts'

const oneQueue: Plan = { queues: [{ name: 'buyers' }], queueOf: () => 0, prefers: () => 0, prefetch: 1 }
const sorted: Plan = { ...oneQueue, queues: [{ name: 'buyers', priorities: 1 }] }
/** Of five turns, four are for members. */
const fair: Plan = {
  ...oneQueue,
  queues: [{ name: 'members' }, { name: 'others' }],
  queueOf: (isMember) => (isMember ? 0 : 1),
  prefers: (turn) => (turn % 5 === 0 ? 1 : 0),
}

export const lab: Lab<Step> = {
  title: { en: 'Priority: members first', zh: '优先级：会员先来' },
  question: {
    en: 'Members are to be served before other buyers: does a priority queue do that, and what becomes of the others?',
    zh: '会员要先于普通买家得到服务：优先级队列做得到吗，普通买家又会怎样？',
  },
  prediction: {
    ask: {
      en:
        'The queue is sorted by priority, but its worker fetches 100 messages ahead instead of one. How long do ' +
        'members wait?',
      zh: '队列按优先级排序，但工作进程一次预取 100 条消息，而不是一条。会员要等多久？',
    },
    choices: {
      'as-short': { en: 'as short as before', zh: '和原来一样短' },
      'some-longer': { en: 'longer, but much shorter than without priority', zh: '久一些，但比没有优先级短得多' },
      'as-without': { en: 'about as long as without priority', zh: '和没有优先级差不多' },
    },
    answer(sides) {
      const [fetched, alone, without] = ['large-prefetch', 'strict', 'no-priority'].map(
        (side) => sides[side]?.verdict.figures['members1.5'],
      )
      if (fetched === undefined || alone === undefined || without === undefined) return undefined
      if (fetched > without / 2) return 'as-without'
      return fetched > 2 * alone ? 'some-longer' : 'as-short'
    },
  },

  sides: {
    'no-priority': {
      name: { en: 'one queue without priorities', zh: '一个队列，没有优先级' },
      expected: 'BREAKS',
      off: 'priority',
      run: (place) => run(place, oneQueue),
    },
    'large-prefetch': {
      name: { en: 'a priority queue, prefetch 100', zh: '优先级队列，预取 100 条' },
      expected: 'BREAKS',
      off: 'prefetch',
      run: (place) => run(place, { ...sorted, prefetch: 100 }),
    },
    strict: {
      name: { en: 'a priority queue, prefetch 1', zh: '优先级队列，预取 1 条' },
      expected: 'BREAKS',
      off: 'share',
      run: (place) => run(place, sorted),
    },
    'fair-share': {
      name: { en: 'two queues, served 4 : 1', zh: '两个队列，按 4 : 1 服务' },
      expected: 'HOLDS',
      run: (place) => run(place, fair),
    },
  },

  figures: {
    'members0.8': { en: 'mean wait in turns at load 0.8: members', zh: '平均等几轮，负载 0.8：会员' },
    'others0.8': { en: 'load 0.8: others', zh: '负载 0.8：其他' },
    members1: { en: 'load 1.0: members', zh: '负载 1.0：会员' },
    others1: { en: 'load 1.0: others', zh: '负载 1.0：其他' },
    'members1.5': { en: 'load 1.5: members', zh: '负载 1.5：会员' },
    'others1.5': { en: 'load 1.5: others', zh: '负载 1.5：其他' },
  },

  judge,

  chart: (outcomes) => [
    barPerSide(
      { en: 'Members: mean wait in turns at load 1.5', zh: '会员：负载 1.5 时平均等几轮' },
      outcomes,
      'members1.5',
    ),
    barPerSide(
      { en: 'Other buyers: mean wait in turns at load 1.5', zh: '普通买家：负载 1.5 时平均等几轮' },
      outcomes,
      'others1.5',
    ),
  ],

  shop: [
    {
      file: 'core/platform/rabbit/batch-consumer.ts',
      quote: 'Enough to fill a batch with messages of one item each; more would only keep them from other consumers.',
      says: { en: 'a consumer fetches one batch, and no more', zh: '消费者只预取一批，不多取' },
    },
    {
      file: 'core/contracts/limit-per-buyer.ts',
      quote: 'return withinOneOrder(sale.priceCents, sale.perBuyerLimit)',
      says: {
        en: 'what members may have is decided here, by a claim of their token; the unit is reserved before any queue',
        zh: '会员的好处由这里按令牌里的声明决定；库存在进队列之前就已预占',
      },
    },
  ],
}

async function run(place: Place<Step>, plan: Plan): Promise<void> {
  for (const load of [0.8, 1, 1.5].slice(place.amount(0, 2))) await serve(place, plan, load, place.amount(300, 200))
}
