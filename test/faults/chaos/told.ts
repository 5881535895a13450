import { readFileSync } from 'node:fs'
import { cp, mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { groupBy } from '../../../core/platform/batches/divide.ts'
import type { Call, Outcome } from '../support/calls.ts'
import type { AnyServers } from '../support/servers.ts'
import type { Shop } from '../support/shop.ts'
import type { Round } from './round.ts'
import { describe } from './schedule.ts'

const LOG_LINES = 25
/** Findings that are printed: one fault causes many findings of the same kind. */
const NAMED_MAX = 20

/** A one-line summary of a round. */
export function oneLine({ seed, schedule, made, accepted, paid, healedInMs, broken }: Round): string {
  const done = schedule.map(describe).join(', ')
  const count = (outcome: Outcome) => made.filter((call) => call.outcome === outcome).length
  const outcome =
    broken.length === 0 ? `healed in ${(healedInMs / 1_000).toFixed(1)} s` : `${broken.length} PROMISES BROKEN`
  const outcomes = `${count('ok')} ok, ${count('refused')} refused, ${count('unknown')} unknown`
  return `seed ${seed}: ${done}; ${outcomes}; ${accepted} accepted, ${paid} paid; ${outcome}`
}

/** The full report of a round that broke a promise. */
export function atLength(round: Round, shop: Shop<AnyServers>, isCluster: boolean): string {
  return [
    oneLine(round),
    ...round.broken.slice(0, NAMED_MAX).map((sentence) => `  - ${sentence}`),
    ...(round.broken.length > NAMED_MAX ? [`  and ${round.broken.length - NAMED_MAX} more`] : []),
    `again: npm run chaos -- ${isCluster ? '--cluster ' : ''}--seed ${round.seed} --rounds 1`,
    'the audit:',
    JSON.stringify(round.audit, null, 2),
    ...shop.logFiles().map((file) => logTail(file, LOG_LINES)),
  ].join('\n')
}

const TOLD: [told: string, isTold: (status: number) => boolean][] = [
  ['2xx', (status) => status >= 200 && status < 400],
  ['4xx', (status) => status >= 400 && status < 500],
  ['503', (status) => status >= 500],
  ['none', (status) => status === 0],
]

/** What buyers were told in each second of a round: of their purchases, and of what came after these. */
export function answersBySecond({ made, openedAtMs, schedule, healedInMs }: Round): string {
  const columns = [true, false].flatMap((isPurchase) =>
    TOLD.map(([told, isTold]) => ({
      title: `${isPurchase ? 'buy' : 'later'} ${told}`,
      isMeant: ({ step, status }: Call) => (step === 'reserve') === isPurchase && isTold(status),
    })),
  )
  const seconds = groupBy(made, ({ endedAtMs }) => Math.floor((endedAtMs - openedAtMs) / 1_000))
  const line = (second: string, values: string[]) =>
    [second.padStart(6), ...values.map((value) => value.padStart(11))].join('')
  return [
    `${schedule.map(describe).join(', ')}; healed ${(healedInMs / 1_000).toFixed(1)} s after its end`,
    line(
      'second',
      columns.map(({ title }) => title),
    ),
    ...[...seconds]
      .toSorted(([one], [other]) => one - other)
      .map(([second, calls]) =>
        line(
          String(second),
          columns.map(({ isMeant }) => String(calls.filter(isMeant).length || '·')),
        ),
      ),
  ].join('\n')
}

/** Keeps the report with the folder of the shop. @returns the path */
export async function keepLogs(shop: Shop<AnyServers>, seed: number): Promise<string> {
  const kept = join('.data', 'chaos', String(seed))
  await mkdir(kept, { recursive: true })
  await Promise.all(shop.logFiles().map((file) => cp(file, join(kept, basename(file)))))
  return kept
}

function logTail(logFile: string, lines: number): string {
  try {
    const tail = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
    return tail ? `${logFile} ends with:\n${tail}` : `${logFile} is empty.`
  } catch {
    return `${logFile} cannot be read.`
  }
}
