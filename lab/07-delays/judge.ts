import { amount, clock, quantile } from '../frame/figures.ts'
import type { Verdict, Words } from '../frame/lab.ts'
import type { Step } from './schedule.ts'

/** Of two messages, the one that is due so much earlier must come first, on any machine. */
const OVERTAKEN_MS = 1_500
/** Clocks of different processes. */
const EARLY_MS = 20

interface Message {
  id: number
  dueAt: number
  waiting: number
  cameAt: number | undefined
  /** How many came before it. */
  place: number
}

interface Figures extends Record<string, number> {
  lost: number
  overtaken: number
}

/** Every message comes, none before its time, and none because of another one long after it. */
export function judge(history: Step[]): Verdict {
  const messages = messagesIn(history)
  const came = messages.filter(({ cameAt }) => cameAt !== undefined)
  const lost = messages.filter(({ cameAt }) => cameAt === undefined)
  const early = came.filter((message) => latenessOf(message) < -EARLY_MS)
  const overtaken = came.flatMap((message) => {
    const other = came.find((each) => each.place < message.place && each.dueAt - message.dueAt >= OVERTAKEN_MS)
    return other ? [{ message, other }] : []
  })
  const figures: Figures = {
    lost: lost.length,
    overtaken: overtaken.length,
    ...latenessIn(came, ''),
    ...latenessIn(wait(came, 100), 'At100'),
    ...latenessIn(wait(came, 10_000), 'At10k'),
    ...latenessIn(wait(came, 100_000), 'At100k'),
  }
  const killedAt = history.find(({ did }) => did === 'KILLED')?.at
  const [firstLost] = lost
  const [firstEarly] = early
  const worst = overtaken.toSorted((one, other) => latenessOf(other.message) - latenessOf(one.message))[0]
  if (firstLost)
    return { holds: false, figures, says: lostSentence(firstLost, figures.lost, messages.length, killedAt) }
  if (firstEarly) return { holds: false, figures, says: earlySentence(firstEarly) }
  if (worst) return { holds: false, figures, says: overtakenSentence(worst.message, worst.other) }
  return { holds: true, figures, says: holdsSentence(messages.length, figures, killedAt) }
}

export const worstLatenessMs = (history: Step[]): number =>
  Math.round(Math.max(0, ...messagesIn(history).map(latenessOf)))

function messagesIn(history: Step[]): Message[] {
  const came = new Map<number, { at: number; place: number }>()
  for (const { did, message, at } of history)
    if (did === 'CAME' && message !== undefined) came.set(message, { at, place: came.size })
  return history.flatMap(({ did, message: id, dueAt, waiting = 0 }) =>
    did === 'SCHEDULED' && id !== undefined && dueAt !== undefined
      ? [{ id, dueAt, waiting, cameAt: came.get(id)?.at, place: came.get(id)?.place ?? 0 }]
      : [],
  )
}

const latenessOf = ({ dueAt, cameAt = dueAt }: Message) => cameAt - dueAt
const wait = (messages: Message[], count: number) => messages.filter(({ waiting }) => waiting === count)

function latenessIn(messages: Message[], suffix: string): Record<string, number> {
  if (messages.length === 0) return {}
  const ms = messages.map(latenessOf)
  return { [`p50Ms${suffix}`]: quantile(ms, 0.5), [`p99Ms${suffix}`]: quantile(ms, 0.99) }
}

function lostSentence({ id, dueAt }: Message, lost: number, all: number, killedAt: number | undefined): Words {
  const killed = killedAt === undefined ? undefined : clock(killedAt)
  return {
    en:
      `message ${id} was due at ${clock(dueAt)} and never came` +
      (killed ? `: the process that kept it was killed at ${killed}` : '') +
      `; ${lost} of ${all} are lost`,
    zh: `消息 ${id} 应在 ${clock(dueAt)} 到，却再也没来${killed ? `：保管它的进程在 ${killed} 被杀` : ''}；${all} 条里丢了 ${lost} 条`,
  }
}

function earlySentence({ id, dueAt, cameAt = dueAt }: Message): Words {
  return {
    en: `message ${id} was due at ${clock(dueAt)} and came too early, at ${clock(cameAt)}`,
    zh: `消息 ${id} 应在 ${clock(dueAt)} 到，却早在 ${clock(cameAt)} 就来了`,
  }
}

function overtakenSentence(message: Message, other: Message): Words {
  const { id, dueAt, cameAt = dueAt } = message
  const late = Math.round(latenessOf(message)).toLocaleString('en-US')
  return {
    en:
      `message ${id} was due at ${clock(dueAt)} and came at ${clock(cameAt)}, ${late} ms late: message ${other.id} ` +
      `stood in front of it, and was due only at ${clock(other.dueAt)}`,
    zh:
      `消息 ${id} 应在 ${clock(dueAt)} 到，却到 ${clock(cameAt)} 才来，` +
      `晚了 ${late} 毫秒：排在它前面的消息 ${other.id} 要到 ` +
      `${clock(other.dueAt)} 才到期`,
  }
}

function holdsSentence(all: number, { p99Ms = 0 }: Figures, killedAt: number | undefined): Words {
  const late = amount(p99Ms)
  if (killedAt !== undefined)
    return {
      en:
        `all ${all} messages came, although the process that kept them was killed at ${clock(killedAt)}; those that ` +
        'were due meanwhile came after its restart',
      zh: `${all} 条消息全到了，尽管保管它们的进程在 ${clock(killedAt)} 被杀；其间到期的，在它重启后到`,
    }
  return {
    en: `all ${all} messages came, none before its time and 99 % of them within ${late} ms after it`,
    zh: `${all} 条消息全到了，没有一条提前，99 % 在到期后 ${late} 毫秒内`,
  }
}
