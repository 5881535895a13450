import { groupBy } from '../../core/platform/batches/divide.ts'
import { clock, quantile, secondsIn } from '../frame/figures.ts'
import type { Verdict, Words } from '../frame/lab.ts'
import type { Step } from './race.ts'

/** Of one order, exactly one of both calls may be told "done"; and PostgreSQL must not have to end one of them. */
export function judge(history: Step[]): Verdict {
  const orders = groupBy(history, ({ order }) => order)
  const isLost = (steps: Step[]) => steps.filter(({ did }) => did === 'DONE').length > 1
  const lost = [...orders.values()].filter(isLost)
  const deadlocks = history.filter(({ did }) => did === 'DEADLOCK')
  const answers = history.filter(({ did }) => did === 'DONE' || did === 'REFUSED')
  const figures = {
    lost: lost.length,
    deadlocks: deadlocks.length,
    perSecond: orders.size / secondsIn(history),
    p99Ms: quantile(
      answers.map(({ tookMs = 0 }) => tookMs),
      0.99,
    ),
  }
  const [broken] = lost
  const [deadlock] = deadlocks
  if (broken) return { holds: false, figures, says: lostSentence(broken), lines: timeline(broken) }
  if (deadlock) {
    const steps = orders.get(deadlock.order) ?? []
    return { holds: false, figures, says: deadlockSentence(deadlock), lines: timeline(steps) }
  }
  return {
    holds: true,
    figures,
    says: {
      en: `of each of the ${orders.size} orders, one call was told "done" and the other was refused`,
      zh: `${orders.size} 笔订单，每笔都只有一个请求得到“成功”，另一个被拒绝`,
    },
  }
}

export function lostSentence(steps: Step[]): Words {
  const [first, second] = steps.filter(({ did }) => did === 'DONE').sort((one, other) => one.at - other.at)
  if (!first || !second) return { en: '', zh: '' }
  const done = { pay: { en: 'paid', zh: '已付款' }, cancel: { en: 'cancelled', zh: '已取消' } }
  const told = (step: Step) => ({ ...done[step.who], at: clock(step.at) })
  const [one, other] = [told(first), told(second)]
  const { row } = second
  return {
    en:
      `order ${first.order} was told "${one.en}" at ${one.at} and "${other.en}" at ${other.at}; its row says ${row}, ` +
      'and one change is lost',
    zh: `订单 ${first.order} 在 ${one.at} 得到“${one.zh}”，在 ${other.at} 又得到“${other.zh}”；库里是 ${row}，另一个改动丢了`,
  }
}

function deadlockSentence({ order, who, at }: Step): Words {
  const name = { pay: { en: 'payment', zh: '付款' }, cancel: { en: 'cancellation', zh: '取消' } }[who]
  return {
    en: `order ${order}: PostgreSQL ended its ${name.en} at ${clock(at)} with a deadlock, and it had to begin anew`,
    zh: `订单 ${order}：PostgreSQL 在 ${clock(at)} 因死锁中止了${name.zh}，只好重来`,
  }
}

/** What both calls did, in two columns. */
function timeline(steps: Step[]): string[] {
  const began = Math.min(...steps.map(({ at }) => at))
  return [
    `${''.padStart(9)}  ${'pay'.padEnd(28)}cancel`,
    ...steps
      .toSorted((one, other) => one.at - other.at)
      .map(({ who, did, row, at }) => {
        const text = row ? `${did} ${row}` : did
        return `${(at - began).toFixed(1).padStart(6)} ms  ${who === 'pay' ? text : ''.padEnd(28) + text}`
      }),
  ]
}
