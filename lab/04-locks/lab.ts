import { groupBy } from '../../core/platform/batches/divide.ts'
import { barPerSide } from '../frame/chart.ts'
import type { Lab } from '../frame/lab.ts'
import type { Place } from '../frame/place.ts'
import { judge, lostSentence } from './judge.ts'
import type * as Work from './exercise.ts'
import { crossedLocks, distributedLock, noLock, optimistic, selectForUpdate } from './ways.ts'
import { races, type Step, type Way } from './race.ts'

/** A lock lives this long. */
const LOCK_MS = 100
/** Of the payments whose process freezes, for example in a garbage collection, while it holds the lock. */
const FROZEN_SHARE = 0.02

export const lab: Lab<Step, typeof Work> = {
  title: { en: 'Locks: pay and cancel in the same instant', zh: '锁：付款和取消同时到来' },
  question: {
    en: 'A buyer pays for an order in the very instant in which it is cancelled: who wins?',
    zh: '买家付款的同一瞬间，订单正被取消：谁赢？',
  },
  prediction: {
    ask: {
      en:
        '1,000 orders are paid and cancelled at the same time, without any lock. For how many are both calls told ' +
        '"done"?',
      zh: '1,000 笔订单同时付款又取消，不加任何锁。其中有多少笔，两个请求都得到“成功”的回答？',
    },
    answer: ({ 'no-lock': side }) => side?.verdict.figures.lost,
  },

  sides: {
    'no-lock': {
      name: { en: 'no lock: read the status, then write', zh: '不加锁：先读状态，再写' },
      expected: 'BREAKS',
      run: (place) => run(place, () => noLock),
    },
    'expired-lock': {
      name: { en: 'distributed lock that expires while its holder is frozen', zh: '分布式锁：持有者卡住时锁已过期' },
      expected: 'BREAKS',
      run: (place) =>
        run(place, () => {
          const isFrozen = place.random.chance(place.amount(FROZEN_SHARE, 0.5))
          return distributedLock(place, { lockMs: LOCK_MS, isFrozen })
        }),
    },
    'crossed-locks': {
      name: { en: 'SELECT … FOR UPDATE of two rows, in opposite orders', zh: 'SELECT … FOR UPDATE 锁两行，顺序相反' },
      expected: 'BREAKS',
      run: (place) => run(place, () => crossedLocks),
    },
    'distributed-lock': {
      name: { en: 'distributed lock whose holder is never frozen', zh: '分布式锁：持有者从不卡住' },
      expected: 'HOLDS',
      run: (place) => run(place, () => distributedLock(place, { lockMs: 60_000, isFrozen: false })),
    },
    'for-update': {
      name: { en: 'SELECT … FOR UPDATE, then write', zh: 'SELECT … FOR UPDATE，再写' },
      expected: 'HOLDS',
      run: (place) => run(place, () => selectForUpdate),
    },
    optimistic: {
      name: { en: 'one UPDATE with the old status in its WHERE', zh: '一条 UPDATE，WHERE 里带旧状态' },
      expected: 'HOLDS',
      run: (place) => run(place, () => optimistic),
    },
  },

  figures: {
    lost: { en: 'both told "done"', zh: '都答“成功”' },
    deadlocks: { en: 'deadlocks', zh: '死锁' },
    perSecond: { en: 'pairs per second', zh: '每秒对数' },
    p99Ms: { en: 'p99, ms', zh: 'p99，毫秒' },
  },

  judge,

  chart: (outcomes) => [
    barPerSide(
      { en: 'Orders of which both calls were told "done", and deadlocks', zh: '两个请求都答“成功”的订单，以及死锁' },
      outcomes,
      'lost',
      'deadlocks',
    ),
    barPerSide({ en: 'Pairs per second', zh: '每秒处理的对数' }, outcomes, 'perSecond'),
  ],

  exercise: {
    task: {
      en: 'Pay and cancel share one UPDATE. Write its WHERE in exercise.ts, so that only one of them can succeed.',
      zh: '付款和取消共用一条 UPDATE。请在 exercise.ts 里写出它的 WHERE，让两者只有一个成功。',
    },
    hints: [
      {
        en:
          'PostgreSQL locks the row for the second UPDATE until the first has committed, and then evaluates its ' +
          'WHERE again.',
        zh: '第二条 UPDATE 会等第一条提交，然后 PostgreSQL 重新计算它的 WHERE。',
      },
      {
        en: 'What must still be true of the order, at that moment, for a change to be right?',
        zh: '到那一刻，订单必须仍然满足什么，才允许改它？',
      },
      {
        en: "A change is right as long as the order is still PENDING_PAYMENT: AND status = '…'",
        zh: "只有订单仍是 PENDING_PAYMENT 才允许改：AND status = '…'",
      },
    ],
    async check(place, { changeStatus }) {
      const history: Step[] = []
      const way: Way = async (client, { order, to }) => {
        const { rowCount } = await client.query(changeStatus, [order, to])
        return rowCount === 1
      }
      const record = (step: Step) => history.push(step)
      await races(place.amount(200, 20), { ...place, wayOf: () => way, record })
      const steps = groupBy(history, ({ order }) => order)
      const doneOf = (each: Step[]) => each.filter(({ did }) => did === 'DONE').length
      const both = [...steps.values()].find((each) => doneOf(each) > 1)
      const none = [...steps.values()].find((each) => doneOf(each) === 0)
      return [
        {
          name: { en: 'never both', zh: '不会两个都成功' },
          holds: both === undefined,
          says: both ? lostSentence(both) : { en: '', zh: '' },
        },
        {
          name: { en: 'always one of them', zh: '总有一个成功' },
          holds: none === undefined,
          says: {
            en: `order ${none?.[0]?.order}: both calls were refused, although it was PENDING_PAYMENT`,
            zh: `订单 ${none?.[0]?.order}：它还是 PENDING_PAYMENT，两个请求却都被拒绝`,
          },
        },
      ]
    },
  },

  shop: [
    {
      file: 'core/orders/transitions.ts',
      quote: "WHERE id = ANY(${orderIds}::uuid[]) AND status = 'PENDING_PAYMENT' AND ${condition}",
      says: { en: 'cancelling: the old status is in the WHERE', zh: '取消订单：旧状态写在 WHERE 里' },
    },
    {
      file: 'core/orders/transitions.ts',
      quote: "WHERE status = 'PENDING_PAYMENT' AND ${condition}",
      says: { en: 'paying: the same WHERE', zh: '付款：同样的 WHERE' },
    },
    {
      file: 'core/orders/transitions.ts',
      quote: 'Sorted, as everywhere, so that concurrent transactions cannot deadlock.',
      says: { en: 'two rows are locked in one order everywhere', zh: '要锁两行时，处处顺序相同' },
    },
  ],
}

const run = (place: Place<Step>, wayOf: () => Way) => races(place.amount(1_000, 20), { ...place, wayOf })
