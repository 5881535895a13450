import { groupBy } from '../../core/platform/batches/divide.ts'
import { clock, quantile } from '../frame/figures.ts'
import type { Verdict } from '../frame/lab.ts'
import type { Entry, Phase } from './shop.ts'

/** No buyer is refused because of a downstream, and every order that was accepted has all its effects in the end. */
export function judge(history: Entry[]): Verdict {
  const refused = history.filter(({ what }) => what === 'REFUSED')
  const accepted = history.filter(({ what }) => what === 'ANSWERED')
  const effects = groupBy(
    history.filter(({ what }) => what === 'EFFECT'),
    ({ order }) => order,
  )
  const lacking = accepted.find(({ order, downstreams = 0 }) => (effects.get(order) ?? []).length < downstreams)
  const notYet = accepted.map(({ order, at }) => Math.max(0, ...(effects.get(order) ?? []).map((each) => each.at - at)))
  const figures = {
    five: median(history, 'FIVE'),
    six: median(history, 'SIX'),
    refused: refused.length,
    waiting: Math.max(0, ...history.map(({ waiting = 0 }) => waiting)),
    notYet: quantile(notYet, 0.5),
  }
  const [first] = refused
  if (first) {
    const had = (effects.get(first.order) ?? []).map(({ by }) => by).join(', ')
    return {
      holds: false,
      figures,
      says: {
        en:
          `order ${first.order} was refused at ${clock(first.at)}, because ${first.by} did not answer; by then it ` +
          `had reached ${had || 'no service'}. ${refused.length} orders were refused`,
        zh:
          `订单 ${first.order} 在 ${clock(first.at)} 被拒绝，因为 ${first.by} 没有回答；` +
          `这时收到它的下游：${had || '一个也没有'}。共拒绝 ${refused.length} 笔`,
      },
    }
  }
  if (lacking) {
    const had = (effects.get(lacking.order) ?? []).map(({ by }) => by).join(', ')
    return {
      holds: false,
      figures,
      says: {
        en: `order ${lacking.order} was accepted at ${clock(lacking.at)}, and only these had it: ${had || 'none'}`,
        zh: `订单 ${lacking.order} 在 ${clock(lacking.at)} 被接受，却只有这些下游收到：${had || '一个也没有'}`,
      },
    }
  }
  return {
    holds: true,
    figures,
    says: {
      en:
        `all ${accepted.length} orders were accepted; while sms was frozen up to ${figures.waiting} messages waited, ` +
        'and in the end every order had all its effects',
      zh: `${accepted.length} 笔订单全部接受；sms 卡住时最多有 ${figures.waiting} 条消息等着，最后每笔订单的下游都收到了`,
    },
  }
}

const median = (history: Entry[], phase: Phase) =>
  quantile(
    history.flatMap((entry) => (entry.what === 'ANSWERED' && entry.phase === phase ? (entry.tookMs ?? []) : [])),
    0.5,
  )
