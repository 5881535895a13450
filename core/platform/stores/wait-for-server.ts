import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '../process/log.ts'
import { isOutage } from './outage.ts'

const PAUSE_MS = 200
/** How often the log repeats what is waited for; a server that needs less is not mentioned. */
const SAY_EVERY_MS = 5_000

export interface ServerWait {
  /** As in "PostgreSQL". */
  name: string
  /** Where it is named. */
  variable: string
  log: Logger
}

/**
 * Tries until it succeeds: a server that is started beside us, or is slow, is no reason to end. Each attempt brings its
 * own time limit. @throws what is no outage
 */
export async function waitForServer<T>({ name, variable, log }: ServerWait, attempt: () => Promise<T>): Promise<T> {
  for (let saidAt = Date.now(); ; await delay(PAUSE_MS)) {
    try {
      return await attempt()
    } catch (error) {
      if (!isOutage(error)) throw error
      if (Date.now() - saidAt < SAY_EVERY_MS) continue
      saidAt = Date.now()
      log.warn(`Waiting for ${name} of ${variable}: ${(error as Error).message.trim().split('\n').at(-1)}`)
    }
  }
}
