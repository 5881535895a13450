import { clock, quantile } from '../frame/figures.ts'
import type { Verdict } from '../frame/lab.ts'
import type { Entry } from './rush.ts'

/** Every buyer who came is served, however long it takes. */
export function judge(history: Entry[]): Verdict {
  const of = (what: Entry['what']) => history.filter((entry) => entry.what === what)
  const [came, refused, done] = [of('CAME'), of('REFUSED'), of('DONE')]
  const served = new Set(done.map(({ buyer }) => buyer))
  const longest = Math.max(0, ...came.map(({ line = 0 }) => line))
  const told = new Map(came.map(({ buyer, etaMs = 0 }) => [buyer, etaMs]))
  const began = came[0]?.at ?? 0
  const seconds = ((done.at(-1)?.at ?? began) - began) / 1_000
  const figures = {
    came: came.length,
    refused: refused.length,
    longest,
    seconds,
    waited: quantile(
      done.map(({ waitedMs = 0 }) => waitedMs / 1_000),
      0.99,
    ),
    wrong: quantile(
      done.map(({ buyer, waitedMs = 0 }) => Math.abs(waitedMs - (told.get(buyer) ?? 0)) / 1_000),
      0.5,
    ),
  }
  const [first] = refused
  if (first)
    return {
      holds: false,
      figures,
      says: {
        en: `buyer ${first.buyer} was refused at ${clock(first.at)}; ${refused.length} of ${came.length} were refused`,
        zh: `买家 ${first.buyer} 在 ${clock(first.at)} 被拒绝；${came.length} 人中共有 ${refused.length} 人被拒绝`,
      },
    }
  const lost = came.find(({ buyer }) => !served.has(buyer))
  if (lost)
    return {
      holds: false,
      figures,
      says: {
        en: `buyer ${lost.buyer}, who came at ${clock(lost.at)}, was neither served nor refused`,
        zh: `买家 ${lost.buyer} 在 ${clock(lost.at)} 到来，既没有成交也没有被拒绝`,
      },
    }
  const patient = done.toSorted((one, other) => (other.waitedMs ?? 0) - (one.waitedMs ?? 0))[0]
  const eta = ((told.get(patient?.buyer ?? 0) ?? 0) / 1_000).toFixed(2)
  const waited = ((patient?.waitedMs ?? 0) / 1_000).toFixed(2)
  return {
    holds: true,
    figures,
    says: {
      en:
        `all ${came.length} were served; the line grew to ${longest}; buyer ${patient?.buyer} waited longest, was ` +
        `told ${eta} s and waited ${waited} s`,
      zh: `${came.length} 人全部成交；队伍最长 ${longest}；买家 ${patient?.buyer} 等得最久，预告 ${eta} 秒，实际 ${waited} 秒`,
    },
  }
}
