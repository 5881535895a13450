import { clock } from '../frame/figures.ts'
import type { Verdict, Words } from '../frame/lab.ts'
import type { Step } from './step.ts'

type Did<Kind extends Step['did']> = Extract<Step, { did: Kind }>

/** No order fails because of the log, each member of a group reads each message, no call gets another's answer. */
export function judge(history: Step[]): Verdict {
  const of = <Kind extends Step['did']>(kind: Kind) => history.filter((step): step is Did<Kind> => step.did === kind)
  const asked = new Map(of('ASKED').map(({ call, item }) => [call, item]))
  const failed = of('FAILED')
  const unread = unreadIn(of('SENT'), of('READ'))
  const wrong = of('ANSWERED').filter(({ call, about }) => asked.get(call) !== about)
  const figures = {
    ...(history.some(({ did }) => did === 'PLACED') ? { failed: failed.length } : {}),
    ...(history.some(({ did }) => did === 'SENT') ? { unread: unread.length } : {}),
    ...(asked.size > 0 ? { wrong: wrong.length, timedOut: of('TIMED_OUT').length, dropped: of('DROPPED').length } : {}),
  }
  const [firstFailed] = failed
  const [firstUnread] = unread
  const [firstWrong] = wrong
  if (firstFailed) return { holds: false, figures, says: failedSentence(firstFailed, failed.length) }
  if (firstUnread) return { holds: false, figures, says: unreadSentence(firstUnread) }
  if (firstWrong) return { holds: false, figures, says: wrongSentence(firstWrong, wrong.length) }
  return {
    holds: true,
    figures,
    says: holdsSentence(of('PLACED').length, of('SENT').length, asked.size, of('DROPPED')),
  }
}

interface Unread {
  sent: Did<'SENT'>
  person: string
}

function unreadIn(sent: Did<'SENT'>[], read: Did<'READ'>[]): Unread[] {
  const reads = new Set(read.map(({ message, person }) => `${message} ${person}`))
  return sent.flatMap((each) =>
    each.members.filter((person) => !reads.has(`${each.message} ${person}`)).map((person) => ({ sent: each, person })),
  )
}

function failedSentence({ order, at }: Did<'FAILED'>, count: number): Words {
  return {
    en: `order ${order} failed at ${clock(at)}: the log was full, for its reader had stopped; ${count} orders failed`,
    zh: `订单 ${order} 在 ${clock(at)} 失败，因为日志满了：读日志的停了；共 ${count} 笔订单失败`,
  }
}

function unreadSentence({ sent: { message, group, at }, person }: Unread): Words {
  return {
    en:
      `${person} never read message ${message}, which was sent to the group ${group} at ${clock(at)}: another member ` +
      'took it',
    zh: `消息 ${message} 在 ${clock(at)} 发到群 ${group}，${person} 却没读到：被别的成员取走了`,
  }
}

function wrongSentence({ call, about, at }: Did<'ANSWERED'>, count: number): Words {
  return {
    en:
      `call ${call} asked for the price of item ${call} and got that of item ${about} at ${clock(at)}: the late ` +
      `answer to an earlier call; ${count} calls got a wrong price`,
    zh: `第 ${call} 次调用问商品 ${call} 的价格，在 ${clock(at)} 却得到商品 ${about} 的：那是对前面调用的迟到的回答；共 ${count} 次调用得到错的价格`,
  }
}

function holdsSentence(orders: number, messages: number, calls: number, dropped: Did<'DROPPED'>[]): Words {
  if (orders > 0)
    return {
      en:
        `all ${orders} orders were placed although the reader of the log had stopped; the log lost its oldest lines ` +
        'instead',
      zh: `读日志的停了，${orders} 笔订单照样全部下成；日志丢的是最旧的行`,
    }
  if (messages > 0)
    return {
      en: `each of ${messages} messages was read by every member of its group`,
      zh: `${messages} 条消息，每条都被群里每个成员读到`,
    }
  const [first] = dropped
  const late = first && { call: first.call, at: clock(first.at) }
  return {
    en:
      `none of ${calls} calls got the answer of another` +
      (late ? `: the one to call ${late.call} came at ${late.at}, too late, and was thrown away` : ''),
    zh:
      `${calls} 次调用，没有一次拿到别人的回答` +
      (late ? `：第 ${late.call} 次调用的回答在 ${late.at} 才到，太晚，被丢弃` : ''),
  }
}
