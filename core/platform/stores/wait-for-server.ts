import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '../process/log.ts'
import { isOutage } from './outage.ts'

const PAUSE_MS = 200
/** A server that answers sooner is not mentioned in the log. */
const LOG_INTERVAL_MS = 5_000

export interface ServerWait {
  /** For the log, such as "PostgreSQL". */
  name: string
  /** The setting with its URL. */
  variable: string
  log: Logger
}

/**
 * Retries until the attempt succeeds, because the server may be starting at the same time as we are. Each attempt must
 * have a time limit of its own. @throws errors that are no outage
 */
export async function waitForServer<T>({ name, variable, log }: ServerWait, attempt: () => Promise<T>): Promise<T> {
  for (let loggedAtMs = Date.now(); ; await delay(PAUSE_MS)) {
    try {
      return await attempt()
    } catch (error) {
      if (!isOutage(error)) throw error
      if (Date.now() - loggedAtMs < LOG_INTERVAL_MS) continue
      loggedAtMs = Date.now()
      log.warn(`Waiting for ${name} of ${variable}: ${(error as Error).message.trim().split('\n').at(-1)}`)
    }
  }
}
