import { barPerSide } from '../frame/chart.ts'
import type { Lab, Side, Words } from '../frame/lab.ts'
import { type Entry, FAULTS, type Fault } from './entry.ts'
import { judge } from './judge.ts'
import { runCopy } from './run-copy.ts'
import { diffOf, type Switch, SWITCHES } from './switches.ts'

const FAULT_NAMES: Record<Fault, Words> = {
  none: { en: 'no fault', zh: '没有故障' },
  'above-stock': { en: 'more buyers than units', zh: '买家多于库存' },
  'paid-twice': { en: 'provider calls twice', zh: '支付回调两次' },
  'paid-and-cancelled': { en: 'paid, then cancelled', zh: '付款后又取消' },
  'broker-gone': { en: 'broker goes away', zh: '消息队列断开' },
  'queue-unbound': { en: 'queue loses its binding', zh: '队列失去绑定' },
  'database-gone': { en: 'database goes away', zh: '数据库断开' },
  'event-lost': { en: 'event is lost on its way', zh: '事件在路上丢失' },
  'event-late': { en: 'event comes late', zh: '事件迟到' },
  'redis-emptied': { en: 'Redis is emptied', zh: 'Redis 被清空' },
}

export const lab: Lab<Entry> = {
  title: { en: 'Break it', zh: '弄坏它' },
  question: {
    en: 'Which protection of the shop does what, and when is it missed?',
    zh: '商城的每项保护各管什么，什么时候才会想念它？',
  },
  prediction: {
    ask: {
      en: 'The gateway forgets each message without waiting for the confirm. When does a buyer lose their order?',
      zh: '网关不等确认就忘掉消息。买家什么时候会丢掉订单？',
    },
    choices: FAULT_NAMES,
    answer: ({ confirm }) => FAULTS.find((fault) => (confirm?.verdict.figures[fault] ?? 0) > 0),
  },

  sides: {
    ...Object.fromEntries(Object.entries(SWITCHES).map(([off, each]) => [off, without(off, each)])),
    'all-on': {
      name: { en: 'every rule in place', zh: '所有规则都在' },
      expected: 'HOLDS',
      run: (place) => runCopy(place, FAULTS),
    },
  },

  /** Starting a copy of the shop takes longer than what is played in it. Five at once are no faster. */
  atOnce: { sides: 3, longest: 'all-on' },

  figures: FAULT_NAMES,

  judge,

  chart: (outcomes) => [
    barPerSide(
      { en: 'Findings of the audit, and buyers without an order', zh: '审计发现的问题，以及没有订单的买家' },
      outcomes,
      ...FAULTS,
    ),
  ],

  shop: Object.entries(SWITCHES).map(([off, { name, guard }]) => ({
    file: guard.file,
    quote: guard.text,
    says: { en: `${off}; without it, ${name.en}`, zh: `${off}；没有它，${name.zh}` },
  })),
}

/** Without a fault, and with the one that shows it; the reader who names it with `--off` sees all of them. */
function without(off: string, { name, guard, fault, inShort }: Switch): Side<Entry> {
  return {
    name,
    off,
    expected: 'BREAKS',
    inShort: inShort === true,
    diff: diffOf(guard),
    run: (place) => runCopy(place, place.off === off ? FAULTS : ['none', fault], guard),
  }
}
