import { GUARDS } from '../../test/mutations/guards/index.ts'
import type { Guard } from '../../test/mutations/guard.ts'
import { barPerSide } from '../frame/chart.ts'
import type { Lab, Side, Words } from '../frame/lab.ts'
import { type Entry, FAULTS, type Fault } from './entry.ts'
import { judge } from './judge.ts'
import { runCopy } from './run-copy.ts'

/** A rule of the shop that can be taken away: the tests take away the same ones. */
interface Switch {
  name: Words
  rule: string
  /** The fault that the rule is there for. */
  fault: Fault
}

const SWITCHES: Record<string, Switch> = {
  confirm: {
    name: { en: 'a message is forgotten before the broker has confirmed it', zh: '消息队列还没确认，就忘掉消息' },
    rule: 'a pending entry goes only when it is confirmed',
    fault: 'broker-gone',
  },
  idempotency: {
    name: { en: 'the same money counts each time that the provider calls', zh: '支付平台每回调一次就算一次钱' },
    rule: 'the same money counts once',
    fault: 'paid-twice',
  },
  status: {
    name: { en: 'an order is cancelled in any status', zh: '不管订单什么状态都取消' },
    rule: 'only an unpaid order is cancelled',
    fault: 'paid-and-cancelled',
  },
  atomic: {
    name: { en: 'the script takes a unit without looking whether one is left', zh: '脚本不看还有没有就扣库存' },
    rule: 'no more units are reserved than are left',
    fault: 'above-stock',
  },
}

const FAULT_NAMES: Record<Fault, Words> = {
  none: { en: 'no fault', zh: '没有故障' },
  'above-stock': { en: 'more buyers than units', zh: '买家多于库存' },
  'paid-twice': { en: 'provider calls twice', zh: '支付回调两次' },
  'paid-and-cancelled': { en: 'paid, then cancelled', zh: '付款后又取消' },
  'broker-gone': { en: 'broker goes away', zh: '消息队列断开' },
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

  figures: FAULT_NAMES,

  judge,

  chart: (outcomes) => [
    barPerSide(
      { en: 'Findings of the audit, and buyers without an order', zh: '审计发现的问题，以及没有订单的买家' },
      outcomes,
      ...FAULTS,
    ),
  ],

  shop: Object.values(SWITCHES).map(({ name, rule }) => {
    const { file, text } = guardOf(rule)
    return { file, quote: text, says: name }
  }),
}

function without(off: string, { name, rule, fault }: Switch): Side<Entry> {
  const guard = guardOf(rule)
  return {
    name,
    off,
    expected: 'BREAKS',
    diff: diffOf(guard),
    run: (place) => runCopy(place, place.isShort ? ['none', fault] : FAULTS, guard),
  }
}

function guardOf(rule: string): Guard {
  const guard = GUARDS.find((each) => each.rule === rule)
  if (!guard) throw new Error(`No guard is called "${rule}".`)
  return guard
}

function diffOf({ file, text, without: left }: Guard): string[] {
  const lines = (sign: string, lines: string) =>
    lines
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => `${sign} ${line}`)
  return [file, ...lines('-', text), ...lines('+', left)]
}
