import { groupBy } from '../../core/platform/batches/divide.ts'
import { amount, clock } from '../frame/figures.ts'
import type { Verdict } from '../frame/lab.ts'
import type { Words } from '../frame/words.ts'
import { type Entry, type Way, WAYS } from './entry.ts'

/** What became of the messages of one way. */
export interface Fate {
  way: Way
  told: Entry[]
  left: number
  /** Told to be safe, and not there after the restart. */
  lost: Entry[]
  killedAt: number
  msPerMessage: number
}

export function fates(history: Entry[]): Fate[] {
  return [...groupBy(history, ({ way }) => way)].map(([way, entries]) => {
    const told = entries.filter(({ what }) => what === 'TOLD')
    const left = new Set(entries.flatMap(({ what, message }) => (what === 'LEFT' ? [message] : [])))
    const atOf = (wanted: Entry['what']) => entries.findLast(({ what }) => what === wanted)?.at ?? 0
    return {
      way,
      told,
      left: left.size,
      lost: told.filter(({ message }) => !left.has(message)),
      killedAt: atOf('KILLED'),
      msPerMessage: (atOf('TOLD') - atOf('BEGAN')) / Math.max(1, told.length),
    }
  })
}

/** What the sender took to be safe must be there after the restart. */
export function judge(history: Entry[]): Verdict {
  const all = fates(history)
  const sum = (of: (fate: Fate) => number) => all.reduce((total, fate) => total + of(fate), 0)
  const figures = {
    told: sum(({ told }) => told.length),
    left: sum(({ left }) => left),
    lost: sum(({ lost }) => lost.length),
  }
  const lines = all.map(({ way, told, left, lost, msPerMessage }) => {
    const counts = { told: told.length, left, lost: lost.length }
    const shown = Object.entries(counts).map(([name, count]) => `${name} ${amount(count).padStart(6)}   `)
    return `${way.padEnd(13)} ${shown.join('')}${msPerMessage.toFixed(3).padStart(8)} ms each`
  })
  const broken = all.flatMap((fate) => lostSentence(fate) ?? [])
  if (broken.length > 0) {
    const says = { en: broken.map(({ en }) => en).join('; '), zh: broken.map(({ zh }) => zh).join('；') }
    return { holds: false, says, figures, lines }
  }
  return {
    holds: true,
    figures,
    lines,
    says: {
      en: `all ${amount(figures.told)} messages that the sender was told to be safe were there after the kill`,
      zh: `发送方得知已安全的 ${amount(figures.told)} 条消息，强杀重启之后都在`,
    },
  }
}

function lostSentence({ way, told, lost, killedAt }: Fate): Words | undefined {
  const [first] = lost
  if (!first) return undefined
  return {
    en:
      `message ${first.message} (${WAYS[way].en}) was taken to be safe at ${clock(first.at)}, and was gone after the ` +
      `kill at ${clock(killedAt)}: ${amount(lost.length)} of ${amount(told.length)} are lost`,
    zh:
      `消息 ${first.message}（${WAYS[way].zh}）在 ${clock(first.at)} 被认为已安全，` +
      `${clock(killedAt)} 强杀之后却不见了，` +
      `${amount(told.length)} 条丢了 ${amount(lost.length)} 条`,
  }
}
