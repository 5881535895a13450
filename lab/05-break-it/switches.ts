import { GUARDS } from '../../test/mutations/guards/index.ts'
import type { Guard } from '../../test/mutations/guard.ts'
import type { Words } from '../frame/lab.ts'
import type { Fault } from './entry.ts'

/** A rule of the shop that can be taken away: the tests take away the same ones. */
export interface Switch {
  /** What the shop does without it. */
  name: Words
  guard: Guard
  /** The fault that the rule is there for. */
  fault: Fault
  /** Tried in the short form, too. */
  inShort?: true
}

export const SWITCHES: Record<string, Switch> = {
  confirm: {
    name: { en: 'a message is forgotten before the broker has confirmed it', zh: '消息队列还没确认，就忘掉消息' },
    guard: guardOf('a pending entry goes only when it is confirmed'),
    fault: 'broker-gone',
    inShort: true,
  },
  mandatory: {
    name: { en: 'a message that reaches no queue counts as sent', zh: '没有进入任何队列的消息也算已发送' },
    guard: guardOf('a message that reaches no queue is not confirmed'),
    fault: 'queue-unbound',
  },
  ack: {
    name: { en: 'a message is acknowledged before its work is done', zh: '活还没干完，就确认消息' },
    guard: guardOf('a message is acknowledged after its work is done'),
    fault: 'database-gone',
  },
  idempotency: {
    name: { en: 'the same money counts each time that the provider calls', zh: '支付平台每回调一次就算一次钱' },
    guard: guardOf('the same money counts once'),
    fault: 'paid-twice',
  },
  status: {
    name: { en: 'an order is cancelled in any status', zh: '不管订单什么状态都取消' },
    guard: guardOf('only an unpaid order is cancelled'),
    fault: 'paid-and-cancelled',
  },
  atomic: {
    name: { en: 'the script takes a unit without looking whether one is left', zh: '脚本不看还有没有就扣库存' },
    guard: guardOf('no more units are reserved than are left'),
    fault: 'above-stock',
    inShort: true,
  },
  outbox: {
    name: { en: 'an event leaves the outbox whether or not it was sent', zh: '事件发没发成功，都从发件箱删掉' },
    guard: guardOf('an event stays in the outbox until every message that carries it is confirmed'),
    fault: 'event-lost',
  },
  order: {
    name: { en: 'an event does not wait for the one before it', zh: '事件不等它前面的事件' },
    guard: guardOf('an event waits for its predecessor'),
    fault: 'event-late',
  },
  epoch: {
    name: {
      en: 'reservations from before a rebuild of Redis still become orders',
      zh: 'Redis 重建之前的预占仍会变成订单',
    },
    guard: guardOf('reservations of epochs below the fence become no order'),
    fault: 'redis-emptied',
  },
}

function guardOf(rule: string): Guard {
  const guard = GUARDS.find((each) => each.rule === rule)
  if (!guard) throw new Error(`No guard is called "${rule}".`)
  return guard
}

/** The file, and the lines that are taken away and put there. */
export function diffOf({ file, text, without }: Guard): string[] {
  const linesOf = (block: string) => block.split('\n').filter((line) => line.trim() !== '')
  const [removed, added] = [linesOf(text), linesOf(without)]
  const indent = Math.min(...[...removed, ...added].map((line) => line.search(/\S/)))
  const signed = (sign: string, lines: string[]) => lines.map((line) => `${sign} ${line.slice(indent)}`)
  return [file, ...signed('-', removed), ...signed('+', added)]
}
