import { type Database, serverMessage } from './database.ts'
import { UnusableSession } from './database-session.ts'
import type { CheckResult } from './readiness.ts'

/** For `/readyz`: whether PostgreSQL answers, in a session that the code can rely on. */
export async function databaseCheck(database: Database): Promise<CheckResult> {
  try {
    await database.$queryRaw`SELECT 1`
    return true
  } catch (error) {
    if (error instanceof UnusableSession) return { code: 'SESSION_SETTINGS', detail: error.message }
    const said = serverMessage(error)
    return said === undefined ? false : { code: 'REFUSED', detail: `The server that DATABASE_URL names refuses: ${said}.` }
  }
}
