import { clock, secondsIn } from '../frame/figures.ts'
import type { Verdict, Words } from '../frame/lab.ts'
import type { Step } from './crash.ts'

/** Every message that was confirmed is handled at least once. */
export function judge(history: Step[]): Verdict {
  const killedAt = history.find(({ did }) => did === 'KILLED')?.at
  const confirmed = history.filter(({ did }) => did === 'CONFIRMED')
  const handled = history.filter(({ did }) => did === 'HANDLED').map(({ message }) => message)
  const distinct = new Set(handled)
  const lost = confirmed.filter(({ message }) => !distinct.has(message))
  const beforeKill = confirmed.filter(({ at }) => killedAt === undefined || at < killedAt)
  const figures = {
    lost: lost.length,
    twice: handled.length - distinct.size,
    perSecond: beforeKill.length / secondsIn(beforeKill),
  }
  const [first] = lost
  if (first) return { holds: false, figures, says: lostSentence(first, lost.length, history) }
  return { holds: true, figures, says: holdsSentence(confirmed.length, figures.twice, killedAt) }
}

function lostSentence({ message, at }: Step, count: number, history: Step[]): Words {
  const taken = history.find((step) => step.did === 'TAKEN_AND_DIED' && step.message === message)
  const lost = history.find(({ did }) => did === 'DISK_LOST') ?? history.find(({ did }) => did === 'KILLED')
  const what =
    lost?.did === 'DISK_LOST'
      ? { en: 'its only disk was lost', zh: '唯一的磁盘丢了' }
      : { en: 'the queue was killed', zh: '队列被杀' }
  const because = taken
    ? { en: `its consumer took it at ${clock(taken.at)} and died`, zh: `消费者在 ${clock(taken.at)} 取走它就死了` }
    : { en: `${what.en} at ${clock(lost?.at ?? at)}`, zh: `${what.zh}（${clock(lost?.at ?? at)}）` }
  return {
    en:
      `message ${message} was confirmed at ${clock(at)} and never handled: ${because.en}; ${count} confirmed ` +
      'messages are lost',
    zh: `消息 ${message} 在 ${clock(at)} 得到确认，却从未被处理：${because.zh}；共丢了 ${count} 条已确认的消息`,
  }
}

function holdsSentence(confirmed: number, twice: number, killedAt: number | undefined): Words {
  const killed = killedAt === undefined ? undefined : clock(killedAt)
  return {
    en:
      `all ${confirmed} confirmed messages were ` +
      `handled${killed ? `, although the queue was killed at ${killed}; ${twice} were handled more than once` : ''}`,
    zh: `${confirmed} 条已确认的消息全部处理了${killed ? `，尽管队列在 ${killed} 被杀；其中 ${twice} 条处理了不止一次` : ''}`,
  }
}
