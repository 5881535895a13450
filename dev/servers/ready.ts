import { setTimeout as sleep } from 'node:timers/promises'
import type { Child } from '../processes.ts'
import { BAD_CONFIGURATION, explain, lastLines } from './explain.ts'
import type { StartOptions } from './running-server.ts'

const PROBE_PAUSE_MS = 50
/**
 * Seconds on an idle machine, a hundred times as long on a loaded one. A server that cannot start ends sooner by itself.
 */
const START_LIMIT_MS = 600_000
const PROGRESS_EVERY_MS = 5_000

export interface Wait extends StartOptions {
  /** For messages, as in "PostgreSQL". */
  name: string
  child: Child
  limitMs?: number
  /** The reason that the child gives elsewhere than in its log, as in /readyz. */
  waitsFor?: () => string | undefined
}

/** A program ended before it was ready, for a reason that may pass. */
export class EndedEarly extends Error {}

/**
 * Repeats the probe until it returns true; a probe that throws counts as false.
 * @throws when the child ends, the limit passes, or the signal aborts; the child is stopped then.
 */
export async function waitUntilReady(probe: () => Promise<boolean>, wait: Wait): Promise<void> {
  const { name, child, limitMs = START_LIMIT_MS, signal, progress, waitsFor } = wait
  let why: string | undefined
  void child.ended.then((reason) => {
    why = reason
  })
  const startedAt = Date.now()
  let toldAt = startedAt
  const soFar = () => {
    const reason = waitsFor?.() || lastLines(child.logFile, child.logFrom, 1)[0]
    return `${name} is not ready after ${Math.round((Date.now() - startedAt) / 1_000)} s${reason ? `: ${reason}` : ''}`
  }
  try {
    while (!(await probe().catch(() => false)) || why) {
      signal?.throwIfAborted()
      if (why) {
        const sentence = explain({ name, why, ...child })
        throw why === BAD_CONFIGURATION ? new Error(sentence) : new EndedEarly(sentence)
      }
      if (Date.now() - startedAt > limitMs) throw new Error(`${soFar()} Given up. Its log: ${child.logFile}`)
      if (Date.now() - toldAt > PROGRESS_EVERY_MS) {
        toldAt = Date.now()
        progress?.(soFar())
      }
      await sleep(PROBE_PAUSE_MS)
    }
  } catch (error) {
    await child.stop()
    throw error
  }
}
