import type { Lab } from '../frame/lab.ts'
import { check } from './check.ts'
import type * as Work from './exercise.ts'
import { judge } from './judge.ts'
import { type Entry, RUSH_SECONDS, withoutQueue, withQueue } from './rush.ts'

/** The rush of the question lasts so long; the lab's is shorter, and what takes time is scaled back. */
const STORY_SECONDS = 10

export const lab: Lab<Entry, typeof Work> = {
  title: { en: 'Peak shaving', zh: '削峰填谷' },
  question: {
    en:
      '5,000 orders a second come for 10 s, and 2,000 a second are handled: how long is the line, and when is it ' +
      'over?',
    zh: '每秒来 5,000 笔订单，持续 10 秒，每秒处理 2,000 笔：队伍有多长，什么时候结束？',
  },
  prediction: {
    ask: {
      en: 'How many seconds after the first order came is the last one handled?',
      zh: '从第一笔订单到来算起，几秒之后最后一笔处理完？',
    },
    answer({ queue }) {
      const seconds = queue?.verdict.figures.seconds
      return seconds === undefined ? undefined : Math.round((seconds * STORY_SECONDS) / RUSH_SECONDS)
    },
  },

  sides: {
    'no-queue': {
      name: { en: 'no queue: what does not fit is refused', zh: '没有队列：放不下就拒绝' },
      expected: 'BREAKS',
      run: withoutQueue,
    },
    queue: {
      name: { en: 'a queue between both', zh: '中间放一条队列' },
      expected: 'HOLDS',
      run: withQueue,
    },
  },

  figures: {
    came: { en: 'came', zh: '到来' },
    refused: { en: 'refused', zh: '被拒绝' },
    longest: { en: 'longest line', zh: '最长的队伍' },
    seconds: { en: 'over after, s', zh: '结束于，秒' },
    waited: { en: 'waited: p99, s', zh: '等待：p99，秒' },
    wrong: { en: 'told and waited differ by: p50, s', zh: '预告与实际之差：p50，秒' },
  },

  judge,

  chart: (outcomes) =>
    outcomes.map(({ name, history }) => ({
      title: name,
      x: { en: 's', zh: '秒' },
      y: { en: 'orders', zh: '订单' },
      lines: [
        { name: { en: 'came', zh: '到来' }, points: counted(history, 'CAME') },
        { name: { en: 'refused', zh: '被拒绝' }, points: counted(history, 'REFUSED') },
        { name: { en: 'handled', zh: '处理完' }, points: counted(history, 'DONE') },
      ],
    })),

  exercise: {
    task: {
      en: 'How long may the queue be, so that no buyer in it waits for more than 5 s? Write it in exercise.ts.',
      zh: '队列可以有多长，才能让每个人最多等 5 秒？请写在 exercise.ts 里。',
    },
    hints: [
      {
        en: 'How long does the last one in the line wait, if 300 are ahead and 60 a second go?',
        zh: '前面有 300 人，每秒走 60 人，最后一个要等多久？',
      },
      { en: "Little's law: length = rate × time.", zh: '利特尔法则：长度 = 速率 × 时间。' },
    ],
    check,
  },

  shop: [
    {
      file: 'order-service/order-service.ts',
      quote: 'itemsPerSecond: config.ORDERS_PER_SECOND',
      says: { en: 'the heavy side takes orders at its own steady rate', zh: '重的一侧按自己平稳的速率取订单' },
    },
    {
      file: 'core/contracts/topology.ts',
      quote: 'any other it silently becomes at-most-once.',
      says: { en: 'a full queue refuses, and the unit goes back', zh: '队列满了就拒绝，库存还回去' },
    },
  ],
}

/** How many so far, over time: the distance between two of these lines is the line of buyers. */
function counted(history: Entry[], what: Entry['what']): [number, number][] {
  const began = history[0]?.at ?? 0
  return history
    .filter((entry) => entry.what === what)
    .map(({ at }, i): [number, number] => [(at - began) / 1_000, i + 1])
}
