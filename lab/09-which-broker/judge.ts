import { groupBy } from '../../core/platform/batches/divide.ts'
import { amount, clock } from '../frame/figures.ts'
import type { Verdict, Words } from '../frame/lab.ts'
import type { Entry, Row } from './entry.ts'
import { type Faults, faultsOf, rowOf } from './row.ts'
import { type Candidate, NAMES } from './topic.ts'

/**
 * No confirmed message is lost, none overtakes another one of its key, each comes once, and none long after its time.
 */
export function judge(history: Entry[]): Verdict {
  const all = [...groupBy(history, ({ candidate }) => candidate)].map(([candidate, entries]) => ({
    candidate,
    entries,
    faults: faultsOf(entries),
  }))
  const sum = (of: (faults: Faults) => number) => all.reduce((total, { faults }) => total + of(faults), 0)
  const rows = rowsOf(history)
  const figures = {
    confirmed: history.filter(({ did }) => did === 'CONFIRMED').length,
    lost: sum(({ lost }) => lost.length),
    overtaken: sum(({ overtaken }) => overtaken.length),
    twice: sum(({ twice }) => twice.length),
    behind: sum(({ behind }) => behind.length),
    notRolledBack: sum(({ notRolledBack }) => notRolledBack.length),
  }
  const saved = history.filter(({ did }) => did === 'SAVED')
  const lines = [...rows, ...saved.flatMap((entry) => entry.saved?.row ?? [])].map(lineOf)
  const shown = { figures, ...(lines.length > 0 && { lines: [HEAD, ...lines] }) }
  const broken = all.flatMap(({ candidate, faults }) => faultSentence(NAMES[candidate], faults) ?? [])
  if (broken.length > 0) return { holds: false, says: joined(broken), ...shown }
  return { holds: true, says: joined([holdsSentence(figures.confirmed, rows), ...saved.map(absence)]), ...shown }
}

/** Of all candidates that did the job. */
export const rowsOf = (history: Entry[]): Row[] =>
  [...groupBy(history, ({ candidate }) => candidate).values()].flatMap((entries) => rowOf(entries) ?? [])

const joined = (sentences: Words[]): Words => ({
  en: sentences.map(({ en }) => en).join('; '),
  zh: sentences.map(({ zh }) => zh).join('；'),
})

function faultSentence(name: string, faults: Faults): Words | undefined {
  const [[lost], [overtaken], [twice], [behind], [kept]] = [
    faults.lost,
    faults.overtaken,
    faults.twice,
    faults.behind,
    faults.notRolledBack,
  ]
  if (lost)
    return {
      en: `${name}: message ${lost.message} was confirmed at ${clock(lost.at)} and was gone after the kill`,
      zh: `${name}：消息 ${lost.message} 在 ${clock(lost.at)} 得到确认，强杀之后却不见了`,
    }
  if (twice)
    return {
      en: `${name}: both consumers handled message ${twice.first.message}, the second one at ${clock(twice.second.at)}`,
      zh: `${name}：消息 ${twice.first.message} 被两个消费者各处理了一遍，第二遍在 ${clock(twice.second.at)}`,
    }
  if (overtaken) {
    const { message, by } = overtaken
    return {
      en:
        `${name}: message ${message.message} of key ${message.key} was handled at ${clock(message.at)}, after the ` +
        `later message ${by.message} of the same key`,
      zh:
        `${name}：键 ${message.key} 的消息 ${message.message} 在 ${clock(message.at)} 才处理，` +
        `同一个键更晚的消息 ${by.message} 反而在前`,
    }
  }
  if (behind) {
    const { message, other } = behind
    const [due, at] = [clock(message.dueAt ?? 0), clock(message.at)]
    return {
      en:
        `${name}: message ${message.message} was due at ${due} and came at ${at}, behind message ${other.message}, ` +
        `which was due at ${clock(other.dueAt ?? 0)}`,
      zh:
        `${name}：消息 ${message.message} 应在 ${due} 到，却到 ${at} 才来，` +
        `排在 ${clock(other.dueAt ?? 0)} 才到期的消息 ${other.message} 之后`,
    }
  }
  if (kept)
    return {
      en: `${name}: message ${kept.message} was rolled back, and came all the same at ${clock(kept.at)}`,
      zh: `${name}：消息 ${kept.message} 已回滚，却仍在 ${clock(kept.at)} 到来`,
    }
  return undefined
}

function holdsSentence(confirmed: number, rows: Row[]): Words {
  const which = (can: (row: Row) => boolean) => rows.filter(can).map(({ candidate }) => NAMES[candidate])
  const names = (can: (row: Row) => boolean): Words => {
    const all = which(can)
    return all.length === 0 ? { en: 'none', zh: '没有' } : { en: all.join(', '), zh: all.join('、') }
  }
  const [delays, rereads, rollsBack] = [
    names((row) => row.delays),
    names((row) => row.rereads),
    names((row) => row.rollsBack),
  ]
  return {
    en:
      `${amount(confirmed)} messages were confirmed, none was lost in the kill, and none overtook another one of its ` +
      `key; delays messages: ${delays.en}; can be read again: ${rereads.en}; rolls back with a table: ${rollsBack.en}`,
    zh:
      `共确认 ${amount(confirmed)} 条消息，强杀一条没丢，同一个键里没有一条超过另一条；能延迟：${delays.zh}；` +
      `能重读：${rereads.zh}；能随表一起回滚：${rollsBack.zh}`,
  }
}

function absence({ candidate, text, saved }: Entry): Words {
  const name = NAMES[candidate]
  const why: Words =
    text === 'NO_JAVA'
      ? { en: 'there is no Java here', zh: '这里没有 Java' }
      : { en: 'it is not here yet, "npm run lab:kafka" fetches it', zh: '还没有下载，“npm run lab:kafka”会下载' }
  if (!saved) return { en: `${name} did not run: ${why.en}`, zh: `没有运行 ${name}：${why.zh}` }
  return {
    en: `${name} did not run: ${why.en}; its figures were saved on ${saved.date} (${saved.machine})`,
    zh: `没有运行 ${name}：${why.zh}；它的数字是 ${saved.date} 存下的（${saved.machine}）`,
  }
}

const HEAD = 'candidate          confirmed/s  consumed/s    p99 ms  left after the kill'

function lineOf({ candidate, confirmedPerSecond, consumedPerSecond, p99Ms, left, confirmed }: Row): string {
  return [
    NAMES[candidate].padEnd(18),
    amount(Math.round(confirmedPerSecond)).padStart(11),
    amount(Math.round(consumedPerSecond)).padStart(11),
    amount(p99Ms).padStart(9),
    ` ${amount(left)} of ${amount(confirmed)}`,
  ].join(' ')
}

/** What the reader predicts: the candidate that confirmed the most messages in a second. */
export const fastestIn = (history: Entry[]): Candidate | undefined =>
  rowsOf(history).toSorted((one, other) => other.confirmedPerSecond - one.confirmedPerSecond)[0]?.candidate
