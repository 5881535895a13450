import { quantile, secondsIn } from '../frame/figures.ts'
import type { Entry, Phase, Row } from './entry.ts'

/** Of two messages, the one that is due so much earlier must come first, on any machine. */
const BEHIND_MS = 1_500

/** What a candidate did that the job does not allow. */
export interface Faults {
  /** Confirmed, and not there after the kill. */
  lost: Entry[]
  /** Handled after a later message of its key. */
  overtaken: { message: Entry; by: Entry }[]
  /** Handled by both consumers. */
  twice: { first: Entry; second: Entry }[]
  /** Delayed, and handled after a message that was due long after it. */
  behind: { message: Entry; other: Entry }[]
  /** Rolled back, and came all the same. */
  notRolledBack: Entry[]
}

export function faultsOf(entries: Entry[]): Faults {
  const rollback = entriesOf(entries, 'rollback')
  return {
    lost: lostIn(entriesOf(entries, 'kill')),
    overtaken: [...overtakenIn(came(entries, 'rush')), ...overtakenIn(came(entries, 'one-queue'))],
    twice: twiceIn(came(entries, 'one-queue')),
    behind: behindIn(entriesOf(entries, 'delay')),
    notRolledBack: rollback.filter(({ did }) => did === 'CAME'),
  }
}

/** @returns undefined of a candidate that did not do the job */
export function rowOf(entries: Entry[]): Row | undefined {
  const [began] = entries.filter(({ did }) => did === 'BEGAN')
  if (!began) return undefined
  const faults = faultsOf(entries)
  const confirmed = entries.filter(({ did, phase }) => did === 'CONFIRMED' && phase === 'rush')
  const consumed = came(entries, 'rush')
  const firstSent = Math.min(...confirmed.map(({ sentAt = 0 }) => sentAt))
  const kept = entriesOf(entries, 'kill').filter(({ did }) => did === 'CONFIRMED')
  const shared = came(entries, 'one-queue')
  const rolledBack = entries.some(({ did }) => did === 'ROLLED_BACK')
  return {
    candidate: began.candidate,
    version: began.text ?? '',
    confirmedPerSecond: confirmed.length / secondsIn([{ at: firstSent }, ...confirmed]),
    consumedPerSecond: consumed.length / secondsIn(consumed),
    p99Ms: quantile(latenciesIn(entriesOf(entries, 'paced')), 0.99),
    confirmed: kept.length,
    left: kept.length - faults.lost.length,
    delays: came(entries, 'delay').length > 0 && faults.behind.length === 0,
    orders: consumed.length > 0 && overtakenIn(consumed).length === 0,
    shares: new Set(shared.map(({ consumer }) => consumer)).size > 1 && faults.twice.length === 0,
    rereads: entries.some(({ did }) => did === 'AGAIN'),
    rollsBack: rolledBack && faults.notRolledBack.length === 0,
  }
}

const entriesOf = (entries: Entry[], phase: Phase) => entries.filter((entry) => entry.phase === phase)
const came = (entries: Entry[], phase: Phase) => entriesOf(entries, phase).filter(({ did }) => did === 'CAME')

function lostIn(entries: Entry[]): Entry[] {
  if (!entries.some(({ did }) => did === 'KILLED')) return []
  const left = new Set(entries.flatMap(({ did, message }) => (did === 'LEFT' ? [message] : [])))
  return entries.filter(({ did, message }) => did === 'CONFIRMED' && !left.has(message))
}

/** Only the first time counts that a message was handled. */
function overtakenIn(handled: Entry[]): Faults['overtaken'] {
  const seen = new Set<number>()
  const latest = new Map<number, Entry>()
  return handled.flatMap((entry) => {
    const { message = 0, key = 0 } = entry
    if (seen.has(message)) return []
    seen.add(message)
    const by = latest.get(key)
    if (by && (by.message ?? 0) > message) return [{ message: entry, by }]
    latest.set(key, entry)
    return []
  })
}

function twiceIn(handled: Entry[]): Faults['twice'] {
  const firsts = new Map<number, Entry>()
  return handled.flatMap((second) => {
    const first = firsts.get(second.message ?? 0)
    if (!first) firsts.set(second.message ?? 0, second)
    return first && first.consumer !== second.consumer ? [{ first, second }] : []
  })
}

function behindIn(entries: Entry[]): Faults['behind'] {
  const dueAt = new Map(entries.map(({ did, message, dueAt: due }) => [did === 'CONFIRMED' ? message : 0, due ?? 0]))
  const due = ({ message }: Entry) => dueAt.get(message) ?? 0
  const handled = entries.filter(({ did }) => did === 'CAME')
  return handled.flatMap((message, i) => {
    const other = handled.slice(0, i).find((each) => due(each) - due(message) >= BEHIND_MS)
    return other ? [{ message: { ...message, dueAt: due(message) }, other: { ...other, dueAt: due(other) } }] : []
  })
}

function latenciesIn(entries: Entry[]): number[] {
  const cameAt = new Map(entries.flatMap(({ did, message, at }) => (did === 'CAME' ? [[message, at] as const] : [])))
  return entries.flatMap(({ did, message, sentAt = 0 }) => {
    const at = cameAt.get(message)
    return did === 'CONFIRMED' && at !== undefined ? [at - sentAt] : []
  })
}
