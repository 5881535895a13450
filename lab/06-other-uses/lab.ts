import { barPerSide } from '../frame/chart.ts'
import type { Lab } from '../frame/lab.ts'
import { callRemotely } from './calls.ts'
import { chat } from './chat.ts'
import { judge } from './judge.ts'
import { writeLog } from './logs.ts'
import type { Step } from './step.ts'

export const lab: Lab<Step> = {
  title: { en: 'Other uses: log, broadcast, remote call', zh: '其他用途：日志、广播、远程调用' },
  question: {
    en: 'What else does a queue do, and how does each of these uses fail?',
    zh: '队列还能做什么，每种用法又会怎样出错？',
  },
  prediction: {
    ask: {
      en:
        'A caller asks 40 questions through a queue. Every fifth answer takes longer than the caller waits. It takes ' +
        'the next message of its reply queue as its answer: how many answers are to another question?',
      zh: '调用者通过队列问 40 个问题，每五个里有一个的回答比它愿意等的时间长。它把回复队列的下一条消息当作自己的回答：有多少个回答答的是别的问题？',
    },
    answer: ({ 'next-answer': side }) => side?.verdict.figures.wrong,
  },

  sides: {
    'log-refuses': {
      name: { en: 'log: a full queue refuses', zh: '日志：队列满了就拒绝' },
      expected: 'BREAKS',
      off: 'drop-oldest',
      run: (place) => writeLog(place, 'reject-publish'),
    },
    'shared-queue': {
      name: { en: 'group chat: a queue for each group', zh: '群聊：每个群一个队列' },
      expected: 'BREAKS',
      off: 'own-queue',
      run: (place) => chat(place, (_person, group) => group),
    },
    'next-answer': {
      name: { en: 'remote call: the next answer is mine', zh: '远程调用：下一个回答就是我的' },
      expected: 'BREAKS',
      off: 'correlation-id',
      run: (place) => callRemotely(place, false),
    },
    'log-drops': {
      name: { en: 'log: a full queue drops its oldest line', zh: '日志：队列满了丢最旧的行' },
      expected: 'HOLDS',
      run: (place) => writeLog(place, 'drop-head'),
    },
    'own-queue': {
      name: { en: 'group chat: a queue for each person', zh: '群聊：每人一个队列' },
      expected: 'HOLDS',
      run: (place) => chat(place, (person) => person),
    },
    'correlation-id': {
      name: { en: 'remote call: the answer with my id', zh: '远程调用：带我的编号的回答' },
      expected: 'HOLDS',
      run: (place) => callRemotely(place, true),
    },
  },

  figures: {
    failed: { en: 'orders that failed', zh: '失败的订单' },
    unread: { en: 'messages not read', zh: '没读到的消息' },
    wrong: { en: 'wrong answers', zh: '错的回答' },
    timedOut: { en: 'calls without an answer', zh: '没有回答的调用' },
    dropped: { en: 'late answers dropped', zh: '丢弃的迟到回答' },
  },

  judge,

  chart: (outcomes) => [
    barPerSide(
      { en: 'Orders that failed, messages not read, wrong answers', zh: '失败的订单、没读到的消息、错的回答' },
      outcomes,
      'failed',
      'unread',
      'wrong',
    ),
  ],

  shop: [
    {
      file: 'core/contracts/topology.ts',
      quote: "{ name: ORDER_EVENTS, type: 'topic' },",
      says: { en: 'broadcast: one exchange for all changes of orders', zh: '广播：订单的所有变化走同一个交换机' },
    },
    {
      file: 'core/contracts/subscriber-topology.ts',
      quote: "A subscriber's partitions, each consumed by one process at a time. One that is full refuses",
      says: {
        en: 'each subscriber has queues of its own; a full one stops neither orders nor the others',
        zh: '每个订阅者有自己的队列；满了也不会挡住订单和别的订阅者',
      },
    },
    {
      file: 'core/platform/rabbit/confirmed.ts',
      quote: 'const publishId = ++published',
      says: { en: 'an answer of the broker is matched by an id', zh: '服务器的回答按编号对应' },
    },
  ],
}
