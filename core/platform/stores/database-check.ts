import { setTimeout as delay } from 'node:timers/promises'
import { type Database, serverMessage } from './database.ts'
import { UnusableSession } from './database-session.ts'
import type { CheckResult } from '../process/readiness.ts'

const ANSWER_LIMIT_MS = 2_000

/** For `/readyz`: whether PostgreSQL answers within 2 s, in a session that the code can rely on. Never throws. */
export async function databaseCheck(database: Database): Promise<CheckResult> {
  const late = new AbortController()
  const answer = database.$queryRaw`SELECT 1`.then(() => true, problemOf)
  const limit = delay(ANSWER_LIMIT_MS, false, { signal: late.signal }).catch(() => false)
  return await Promise.race([answer, limit]).finally(() => late.abort())
}

/** Whether work can be done with it now. Never throws. */
export const databaseAnswers = async (database: Database): Promise<boolean> => (await databaseCheck(database)) === true

function problemOf(error: unknown): CheckResult {
  if (error instanceof UnusableSession) return { code: 'SESSION_SETTINGS', detail: error.message }
  const said = serverMessage(error)
  return said === undefined
    ? false
    : { code: 'REFUSED', detail: `The server that DATABASE_URL names refuses: ${said}.` }
}
