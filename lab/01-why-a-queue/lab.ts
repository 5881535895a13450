import { barPerSide } from '../frame/chart.ts'
import type { Lab } from '../frame/lab.ts'
import { allAtOnce, oneAfterTheOther, oneMessage } from './designs.ts'
import { judge } from './judge.ts'
import { type Entry, sell } from './shop.ts'

const notWaiting = () => 0

export const lab: Lab<Entry> = {
  title: { en: 'Why a queue', zh: '为什么要用队列' },
  question: {
    en: 'Five services must hear of every order: what does each of them cost the buyer?',
    zh: '每笔订单都要通知五个下游服务：每个下游让买家付出什么？',
  },
  prediction: {
    ask: {
      en:
        'While 100 orders come in, the SMS service freezes. The shop calls it directly: how many of these orders are ' +
        'refused?',
      zh: '短信服务卡住期间来了 100 笔订单。商城直接调用它：其中有多少笔被拒绝？',
    },
    answer: ({ serial }) => serial?.verdict.figures.refused,
  },

  sides: {
    serial: {
      name: { en: 'calls, one after the other', zh: '逐个调用' },
      expected: 'BREAKS',
      run: (place) => sell(place, async (tell) => ({ placeOrder: oneAfterTheOther(tell), waiting: notWaiting })),
    },
    concurrent: {
      name: { en: 'calls, all at once', zh: '同时调用' },
      expected: 'BREAKS',
      run: (place) => sell(place, async (tell) => ({ placeOrder: allAtOnce(tell), waiting: notWaiting })),
    },
    queue: {
      name: { en: 'one message, and a queue for each service', zh: '发一条消息，每个服务一条队列' },
      expected: 'HOLDS',
      run: (place) => sell(place, (tell) => oneMessage(place, tell)),
    },
  },

  figures: {
    five: { en: 'five: p50, ms', zh: '五个：p50，毫秒' },
    six: { en: 'a sixth added: p50, ms', zh: '加第六个：p50，毫秒' },
    refused: { en: 'refused', zh: '被拒绝' },
    waiting: { en: 'messages waiting, at most', zh: '最多等着的消息' },
    notYet: { en: 'answer to last effect: p50, ms', zh: '从答复到最后一个下游：p50，毫秒' },
  },

  judge,

  chart: (outcomes) => [
    barPerSide(
      { en: 'The buyer waits with six services, p50 in ms', zh: '六个下游时买家等多久，p50，毫秒' },
      outcomes,
      'six',
    ),
    barPerSide(
      { en: 'Orders refused while one service is frozen', zh: '一个下游卡住时被拒绝的订单' },
      outcomes,
      'refused',
    ),
    {
      title: { en: 'Messages that wait, and go', zh: '等着的消息，以及消化' },
      x: { en: 's', zh: '秒' },
      y: { en: 'messages', zh: '消息' },
      lines: outcomes.map(({ name, history }) => ({
        name,
        points: history.flatMap(({ at, waiting }): [number, number][] =>
          waiting === undefined ? [] : [[(at - (history[0]?.at ?? at)) / 1_000, waiting]],
        ),
      })),
    },
  ],

  shop: [
    {
      file: 'core/contracts/subscriber-topology.ts',
      quote: "{ name: exchange, type: 'fanout' }",
      says: { en: 'each subscriber has an exchange and queues of its own', zh: '每个订阅者有自己的交换机和队列' },
    },
    {
      file: 'subscribers/sms.ts',
      quote: 'export const subscriber: Subscriber = {',
      says: { en: 'one more subscriber is one more file', zh: '多一个订阅者就是多一个文件' },
    },
    {
      file: 'gateway/publish-in-batches.ts',
      quote: "if (outcome === 'CONFIRMED') removePending",
      says: { en: 'the buyer waits for the confirm, and for no service', zh: '买家只等确认，不等任何服务' },
    },
  ],
}
