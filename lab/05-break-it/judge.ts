import { clock } from '../frame/figures.ts'
import type { Verdict } from '../frame/lab.ts'
import { type Entry, FAULTS } from './entry.ts'

/** Every line of the audit is green, and every buyer who was told yes has an order, or had one. */
export function judge(history: Entry[]): Verdict {
  const endOf = new Map(
    history.flatMap(({ what, reservation, status }) => (what === 'ENDED' ? [[reservation, status]] : [])),
  )
  const lost = history.filter(
    ({ what, reservation }) => what === 'TOLD' && ['RESERVED', 'REJECTED', undefined].includes(endOf.get(reservation)),
  )
  const red = history.filter(({ what }) => what === 'AUDIT')
  const figures = Object.fromEntries(
    FAULTS.map((fault) => [fault, [...lost, ...red].filter((entry) => entry.fault === fault).length]),
  )
  const lines = red.map(({ fault, rule, detail }) => `audit, ${fault}: ${rule}: ${detail}`)
  const [buyer] = lost
  // The one with names, such as a reservation's, says more than a sum.
  const line = red.find(({ detail = '' }) => /: \S+[-.]\S/.test(detail)) ?? red[0]
  if (buyer) {
    const status = endOf.get(buyer.reservation) ?? 'unknown'
    return {
      holds: false,
      figures,
      lines,
      says: {
        en:
          `buyer ${buyer.buyer} was told yes at ${clock(buyer.at)}; no order exists, reservation ` +
          `${buyer.reservation} is ${status}`,
        zh: `买家 ${buyer.buyer} 在 ${clock(buyer.at)} 得到“成功”；却没有订单，预占 ${buyer.reservation} 是 ${status}`,
      },
    }
  }
  if (line)
    return {
      holds: false,
      figures,
      lines,
      says: {
        en: `the audit's line "${line.rule}" is red: ${line.detail}`,
        zh: `审计的“${line.rule}”一行变红：${line.detail}`,
      },
    }
  const told = history.filter(({ what }) => what === 'TOLD').length
  return {
    holds: true,
    figures,
    says: {
      en: `all ${told} buyers who were told yes have what they were told, and every line of the audit is green`,
      zh: `${told} 个得到“成功”的买家都如愿，审计每一行都是绿的`,
    },
  }
}
