import { clock } from '../frame/figures.ts'
import type { Verdict } from '../frame/lab.ts'
import { type Entry, FAULTS } from './entry.ts'

/** Ids of reservations or orders, of which the first is enough. */
const NAMES = /([\w.-]{20,})(?:, [\w.-]{20,})+/g

/** Every line of the audit is green, and every buyer who was told yes has an order, had one, or was told "too late". */
export function judge(history: Entry[]): Verdict {
  const told = history.filter(({ what }) => what === 'TOLD')
  const endOf = new Map(history.filter(({ what }) => what === 'ENDED').map((entry) => [entry.reservation, entry]))
  const lost = told.filter(({ reservation }) => isLost(endOf.get(reservation)))
  const late = told.filter(({ reservation }) => endOf.get(reservation)?.reason === 'EXPIRED')
  const findings = history
    .filter(({ what }) => what === 'AUDIT')
    .map(({ detail = '', ...entry }) => ({ ...entry, detail: detail.replaceAll(NAMES, '$1, …') }))
  const played = FAULTS.filter((fault) => told.some((entry) => entry.fault === fault))
  const figures = Object.fromEntries(
    played.map((fault) => [fault, [...lost, ...findings].filter((entry) => entry.fault === fault).length]),
  )
  const lines = findings.map(({ fault, rule, detail }) => `audit, ${fault}: ${rule}: ${detail}`)
  const [buyer] = lost
  // The one with names, such as a reservation's, says more than a sum.
  const line = findings.find(({ detail }) => /: \S+[-.]\S/.test(detail)) ?? findings[0]
  if (buyer) {
    const status = endOf.get(buyer.reservation)?.status ?? 'unknown'
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
        en: `the audit's line "${line.rule}" does not get green: ${line.detail}`,
        zh: `审计的“${line.rule}”一行没有变绿：${line.detail}`,
      },
    }
  const [alsoEn, alsoZh] =
    late.length > 0
      ? [`, but for ${late.length} who were told that Redis had lost it`, `，只有 ${late.length} 个被告知 Redis 丢了它`]
      : ['', '']
  return {
    holds: true,
    figures,
    says: {
      en:
        `all ${told.length} buyers who were told yes have, or had, their order${alsoEn}; ` +
        'every line of the audit is green',
      zh: `${told.length} 个得到“成功”的买家都有（或有过）订单${alsoZh}；审计每一行都是绿的`,
    },
  }
}

/** EXPIRED is an answer: when Redis loses what it knew, a reservation may come too late to become an order. */
const isLost = (end: Entry | undefined) =>
  end?.reason !== 'EXPIRED' && ['RESERVED', 'REJECTED', undefined].includes(end?.status)
