import type { Words } from '../frame/words.ts'
import type { Row } from './entry.ts'

export type StoryId = 'timeouts' | 'search' | 'mails' | 'ledger' | 'clicks'

export interface Story {
  tells: Words
  needs: Need[]
}

/** Something that the table says of each candidate. */
interface Need {
  name: Words
  isMetBy: (row: Row, all: Row[]) => boolean
}

const keeps: Need = {
  name: { en: 'keep what it has confirmed through a kill', zh: '强杀之后不丢确认过的消息' },
  isMetBy: ({ confirmed, left }) => left === confirmed,
}
const delays: Need = {
  name: { en: 'delay a message', zh: '延迟消息' },
  isMetBy: (row) => row.delays,
}
const orders: Need = {
  name: { en: 'keep the order of each key with two consumers', zh: '两个消费者时保持每个键的顺序' },
  isMetBy: (row) => row.orders,
}
const shares: Need = {
  name: { en: 'give each job of one queue to the next free worker', zh: '把一条队列里的任务交给下一个空闲的工作进程' },
  isMetBy: (row) => row.shares,
}
const rereads: Need = {
  name: { en: 'be read again from the beginning', zh: '从头重读' },
  isMetBy: (row) => row.rereads,
}
const rollsBack: Need = {
  name: { en: 'publish in the transaction that writes the table', zh: '在写表的同一个事务里发消息' },
  isMetBy: (row) => row.rollsBack,
}
const isFast: Need = {
  name: {
    en: 'confirm at least a third as many a second as the fastest that can be read again',
    zh: '每秒确认的数量至少有能重读者中最快者的三分之一',
  },
  isMetBy: (row, all) =>
    row.confirmedPerSecond >= Math.max(...all.map((each) => (each.rereads ? each.confirmedPerSecond : 0))) / 3,
}

export const STORIES: Record<StoryId, Story> = {
  timeouts: {
    tells: {
      en: 'An order that is not paid within 30 minutes is cancelled; no such message may be lost.',
      zh: '30 分钟内没付款的订单要取消；这种消息一条也不能丢。',
    },
    needs: [delays, keeps],
  },
  search: {
    tells: {
      en: 'A search index copies all orders; when it is built anew, it reads all events of the past again, in order.',
      zh: '搜索索引复制所有订单；重建时要把过去的事件按顺序全部重读一遍。',
    },
    needs: [rereads, orders],
  },
  mails: {
    tells: {
      en: 'Jobs of very different length; a free worker takes the next one at once, and each job is done once.',
      zh: '任务长短差别很大；谁空闲谁就立刻取下一个，每个任务只做一次。',
    },
    needs: [shares, keeps],
  },
  ledger: {
    tells: {
      en: 'A small shop with one PostgreSQL: an order and its message are both there, or neither.',
      zh: '小商店，只有一个 PostgreSQL：订单和它的消息要么都在，要么都不在。',
    },
    needs: [rollsBack],
  },
  clicks: {
    tells: {
      en: 'Clicks, as many a second as can be had; three teams read all of them, each at its own pace.',
      zh: '点击流，每秒越多越好；三个团队各按自己的节奏读全部。',
    },
    needs: [rereads, isFast],
  },
}
