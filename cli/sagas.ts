/**
 * Usage: npm run sagas [-- [--state STATE] [--limit N] [--json]]
 *   --state STATE   only those that are running, done, compensating or compensated
 *   --limit N       so many at most; 50 when left out
 *   --json          the list as JSON
 * Shows how the orders that name a coupon or points fare. Exits 0, or 2 when it could not look.
 */
import { z } from 'zod'
import { SagaState } from '../core/contracts/orders.ts'
import { commandLine, numberOf, refuse } from '../core/platform/process/command-line.ts'
import { parseConfig, settings } from '../core/platform/process/config.ts'
import { connectDatabase } from '../core/platform/stores/connect-database.ts'
import { runningSystem } from './running-system.ts'
import { formatSagas } from './format-sagas.ts'
import { listSagas } from '../core/sagas/list.ts'

const {
  values: { state: given, limit: most, json },
} = commandLine({ state: { type: 'string' }, limit: { type: 'string', default: '50' }, json: { type: 'boolean' } })
const limit = numberOf('--limit', most, [1, 99_999])
const state = given === undefined ? undefined : stateOf(given)

try {
  const config = parseConfig(
    z.object({ DATABASE_URL: settings.DATABASE_URL }),
    process.env.DATABASE_URL ? process.env : { ...runningSystem(), ...process.env },
  )
  const database = connectDatabase(config.DATABASE_URL, { connections: 2, statementTimeoutMs: 30_000 })
  try {
    const list = await listSagas(database, state, limit)
    process.stdout.write(`${json ? JSON.stringify(list, null, 2) : formatSagas(list)}\n`)
  } finally {
    await database.$disconnect()
  }
} catch (error) {
  process.stderr.write(`The sagas cannot be read: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 2
}

function stateOf(text: string): z.output<typeof SagaState> {
  const { success, data } = SagaState.safeParse(text.toUpperCase())
  return success
    ? data
    : refuse(`--state: expected one of ${SagaState.options.join(', ').toLowerCase()}, got "${text}".`)
}
