import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Child } from '../processes.ts'

const PROBE_PAUSE_MS = 50
const LOG_TAIL_LINES = 8

export interface Wait {
  /** What is waited for, as a person would say it: "PostgreSQL". */
  name: string
  child: Child
  logFile: string
  limitMs: number
  /** Gives the wait up: the person has pressed Ctrl-C. */
  signal?: AbortSignal | undefined
}

/**
 * Asks until the answer is yes; a probe that throws counts as no.
 * @throws when the child ends, the limit passes, or the signal aborts; the child is stopped then.
 */
export async function waitUntilReady(probe: () => Promise<boolean>, wait: Wait): Promise<void> {
  const { name, child, logFile, limitMs, signal } = wait
  let ending: string | undefined
  void child.ended.then((why) => { ending = why })
  const giveUpAt = Date.now() + limitMs
  while (!(await probe().catch(() => false)) || ending) {
    if (signal?.aborted) return giveUp(child, `${name} was asked to stop before it was ready`)
    if (ending) return giveUp(child, `${name} ended before it was ready (${ending}). ${logTail(logFile)}`)
    if (Date.now() > giveUpAt) return giveUp(child, `${name} was not ready within ${limitMs / 1000} s. ${logTail(logFile)}`)
    await sleep(PROBE_PAUSE_MS)
  }
}

async function giveUp(child: Child, why: string): Promise<never> {
  await child.stop('SIGTERM', 5_000)
  throw new Error(why)
}

export function logTail(logFile: string, lines = LOG_TAIL_LINES): string {
  try {
    const tail = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
    return tail ? `${logFile} ends with:\n${tail}` : `${logFile} is empty.`
  } catch {
    return `${logFile} cannot be read.`
  }
}
