import { barPerSide } from '../frame/chart.ts'
import type { Lab } from '../frame/lab.ts'
import type { Place } from '../frame/place.ts'
import { newerOnly, replay } from './changes.ts'
import { copyTable, type Plan, type Step } from './copy-table.ts'
import type * as Work from './exercise.ts'
import { judge } from './judge.ts'

const WORKERS = 4

/** All changes are in one queue, all workers take from it. */
const shared: Plan = {
  queues: 1,
  queueOf: () => 0,
  workersPerQueue: WORKERS,
  isSingleActive: false,
  apply: replay,
}
/** A queue for each worker: all changes of a row are in the same one. */
const partitioned: Plan = {
  ...shared,
  queues: WORKERS,
  queueOf: ({ row }) => row % WORKERS,
  workersPerQueue: 1,
}

export const lab: Lab<Step, typeof Work> = {
  title: { en: 'Order: a table that is copied by messages', zh: '顺序：用消息同步一张表' },
  question: {
    en: 'Insert, update and delete of one row arrive as update, delete, insert: what is left of it in the copy?',
    zh: '同一行的插入、更新、删除，到达时变成了更新、删除、插入：副本里还剩什么？',
  },
  prediction: {
    ask: {
      en:
        '300 rows are inserted and changed, and about half of them deleted. Four workers take these messages from ' +
        'one queue. How many rows of the copy are wrong in the end?',
      zh: '300 行先插入再更新，其中约一半又被删除。四个工作进程从同一个队列取这些消息。最后副本里有多少行是错的？',
    },
    answer({ 'four-workers': side }) {
      const { ghosts, stale } = side?.verdict.figures ?? {}
      return ghosts === undefined || stale === undefined ? undefined : ghosts + stale
    },
  },

  sides: {
    'four-workers': {
      name: { en: 'one queue, four workers', zh: '一个队列，四个工作进程' },
      expected: 'BREAKS',
      off: 'partitions',
      run: (place) => run(place, shared, 120),
    },
    'second-worker': {
      name: { en: 'partitions, then a second worker each', zh: '分区，途中每个分区又来一个工作进程' },
      expected: 'BREAKS',
      off: 'single-active-consumer',
      run: (place) => run(place, { ...partitioned, meanwhile: 'COME' }, 160),
    },
    'one-worker': {
      name: { en: 'one queue, one worker', zh: '一个队列，一个工作进程' },
      expected: 'HOLDS',
      run: (place) => run(place, { ...shared, workersPerQueue: 1 }),
    },
    partitions: {
      name: { en: 'partitions, one active worker, which dies', zh: '分区，各一个活跃工作进程，途中全部死掉' },
      expected: 'HOLDS',
      run: (place) => run(place, { ...partitioned, workersPerQueue: 2, isSingleActive: true, meanwhile: 'GO' }),
    },
    versions: {
      name: { en: 'one queue, four workers, row versions', zh: '一个队列，四个工作进程，每行带版本' },
      expected: 'HOLDS',
      run: (place) => run(place, { ...shared, apply: newerOnly }),
    },
  },

  figures: {
    ghosts: { en: 'ghost rows', zh: '幽灵行' },
    stale: { en: 'rows with an old value', zh: '旧值的行' },
    twice: { en: 'changes that came twice', zh: '来了两次的改动' },
    perSecond: { en: 'changes per second', zh: '每秒改动数' },
  },

  judge,

  chart: (outcomes) => [
    barPerSide({ en: 'Rows of the copy that are wrong', zh: '副本里错的行' }, outcomes, 'ghosts', 'stale'),
    barPerSide({ en: 'Changes per second', zh: '每秒改动数' }, outcomes, 'perSecond'),
  ],

  exercise: {
    task: {
      en: 'Write partitionOf in exercise.ts, so that the copy is right and all four workers have work.',
      zh: '请在 exercise.ts 里写出 partitionOf，让副本正确，四个工作进程又都有活干。',
    },
    hints: [
      {
        en: 'A queue keeps the order of its own messages only. Which messages must not overtake each other?',
        zh: '队列只保证自己里面消息的顺序。哪些消息之间不能互相超越？',
      },
      {
        en: 'Changes of different rows may overtake each other; those of one row must be in the same partition.',
        zh: '不同行的改动可以互相超越；同一行的必须在同一个分区。',
      },
      {
        en: 'Choose by the row, not by the number of the change: row % …',
        zh: '按行选，而不是按改动的序号选：row % …',
      },
    ],
    async check(place, { partitionOf }) {
      const history: Step[] = []
      const busy = new Set<number>()
      const queueOf: Plan['queueOf'] = (change, n) => {
        const partition = partitionOf(change, n, WORKERS)
        busy.add(partition)
        return partition
      }
      await copyTable(place, { ...partitioned, queueOf }, place.amount(100, 80), (step) => history.push(step))
      const { holds, says } = judge(history)
      return [
        { name: { en: 'the copy is right', zh: '副本正确' }, holds, says },
        {
          name: { en: 'all workers have work', zh: '每个工作进程都有活干' },
          holds: busy.size === WORKERS,
          says: {
            en: `only ${busy.size} of ${WORKERS} partitions got changes: the other workers are idle`,
            zh: `${WORKERS} 个分区里只有 ${busy.size} 个收到改动：其余的工作进程闲着`,
          },
        },
      ]
    },
  },

  shop: [
    {
      file: 'core/contracts/subscriber-topology.ts',
      quote: "arguments: { 'hash-property': 'correlation_id' }",
      says: { en: 'all events of an order are in the same partition', zh: '同一订单的事件都在同一个分区' },
    },
    {
      file: 'core/contracts/subscriber-topology.ts',
      quote: "'x-single-active-consumer': true",
      says: {
        en: 'one consumer at a time, also while processes come and go',
        zh: '同时只有一个消费者，进程来去时也一样',
      },
    },
    {
      file: 'core/orders/inbox.ts',
      quote: "if (follows !== 'events' && sequence > last + 1) {",
      says: {
        en: 'each event has a sequence number: one that is early waits for the one before it',
        zh: '每个事件有序号：先到的等它前一个',
      },
    },
  ],
}

/** @param short rows in the short form: where one is to go wrong, so many that one does in every run */
const run = (place: Place<Step>, plan: Plan, short = 40) =>
  copyTable(place, plan, place.amount(300, short), (step) => place.record(step))
