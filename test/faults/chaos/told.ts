import { readFileSync } from 'node:fs'
import { cp, mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { AnyServers } from '../support/servers.ts'
import type { Shop } from '../support/shop.ts'
import type { Round } from './round.ts'
import { describe } from './schedule.ts'

const LOG_LINES = 25
/** Findings that are printed: one fault causes many findings of the same kind. */
const NAMED_MAX = 20

/** A one-line summary of a round. */
export function oneLine({ seed, schedule, calls, accepted, paid, healedInMs, broken }: Round): string {
  const done = schedule.map(describe).join(', ')
  const { ok, refused, unknown } = calls
  const outcome =
    broken.length === 0 ? `healed in ${(healedInMs / 1_000).toFixed(1)} s` : `${broken.length} PROMISES BROKEN`
  const outcomes = `${ok} ok, ${refused} refused, ${unknown} unknown`
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
