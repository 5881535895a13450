import { setTimeout as sleep } from 'node:timers/promises'
import type { Child } from '../processes.ts'
import { explain, lastWarning } from './explain.ts'

const PROBE_PAUSE_MS = 50
/**
 * Seconds on an idle machine, a hundred times as long on a loaded one. A server that cannot start ends sooner by itself.
 */
const START_LIMIT_MS = 600_000
const PROGRESS_EVERY_MS = 5_000

export interface Wait {
  /** For messages, as in "PostgreSQL". */
  name: string
  child: Child
  logFile: string
  limitMs?: number
  /** Aborts the wait, as after Ctrl-C. */
  signal?: AbortSignal | undefined
  /** Called every 5 s while it is not ready, with the reason. */
  progress?: ((line: string) => void) | undefined
  /** The reason that the child gives elsewhere than in its log, as in /readyz. */
  waitsFor?: () => string | undefined
}

/** Why a start failed, as a message to the user. */
export class StartFailure extends Error {
  /** A retry may succeed. */
  readonly mayPass: boolean

  constructor(sentence: string, mayPass: boolean) {
    super(sentence)
    this.mayPass = mayPass
  }
}

/**
 * Repeats the probe until it returns true; a probe that throws counts as false.
 * @throws StartFailure when the child ends, the limit passes, or the signal aborts; the child is stopped then.
 */
export async function waitUntilReady(probe: () => Promise<boolean>, wait: Wait): Promise<void> {
  const { name, child, logFile, limitMs = START_LIMIT_MS, signal, progress, waitsFor } = wait
  let ending: string | undefined
  void child.ended.then((why) => {
    ending = why
  })
  const startedAt = Date.now()
  const soFar = () => {
    const why = waitsFor?.() || lastWarning(logFile, child.logFrom)
    return `${name} is not ready after ${Math.round((Date.now() - startedAt) / 1_000)} s${why ? `: ${why}` : ''}`
  }
  let toldAt = startedAt
  while (!(await probe().catch(() => false)) || ending) {
    if (signal?.aborted) return giveUp(child, `${name} was asked to stop before it was ready`, false)
    if (ending) {
      const { sentence, mayPass } = explain({ name, why: ending, logFile, logFrom: child.logFrom })
      return giveUp(child, sentence, mayPass)
    }
    if (Date.now() - startedAt > limitMs) return giveUp(child, `${soFar()} Given up. Its log: ${logFile}`, false)
    if (Date.now() - toldAt > PROGRESS_EVERY_MS) {
      toldAt = Date.now()
      progress?.(soFar())
    }
    await sleep(PROBE_PAUSE_MS)
  }
}

async function giveUp(child: Child, why: string, mayPass: boolean): Promise<never> {
  await child.stop('SIGTERM', 5_000)
  throw new StartFailure(why, mayPass)
}
