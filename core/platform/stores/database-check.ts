import { setTimeout as delay } from 'node:timers/promises'
import { type Database, serverMessage } from './database.ts'
import { UnusableSession } from './database-session.ts'
import type { CheckResult } from '../process/readiness.ts'

const ANSWER_LIMIT_MS = 2_000

/** For /readyz: whether PostgreSQL answers within 2 s, in a session with the required settings. Never throws. */
export async function databaseCheck(database: Database): Promise<CheckResult> {
  const answered = new AbortController()
  const answer = database.$queryRaw`SELECT 1`.then(() => true, problemOf)
  const limit = delay(ANSWER_LIMIT_MS, false, { signal: answered.signal }).catch(() => false)
  return await Promise.race([answer, limit]).finally(() => answered.abort())
}

/** Whether PostgreSQL can serve now. Never throws. */
export const databaseAnswers = async (database: Database): Promise<boolean> => (await databaseCheck(database)) === true

function problemOf(error: unknown): CheckResult {
  if (error instanceof UnusableSession) return { code: 'SESSION_SETTINGS', detail: error.message }
  const message = serverMessage(error)
  return message === undefined
    ? false
    : { code: 'REFUSED', detail: `The server of DATABASE_URL refuses the connection: ${message}.` }
}
