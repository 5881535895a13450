import { parseArgs } from 'node:util'
import { z } from 'zod'
import { SagaState } from '../contracts/http.ts'
import { parseConfig, settings } from '../platform/config.ts'
import { connectDatabase } from '../platform/database.ts'
import { runningSystem } from '../platform/running-system.ts'
import { formatSagas } from './format.ts'
import { listSagas } from './list.ts'

const USAGE = `Expected: npm run sagas -- [--state ${SagaState.options.join(' | ')}] [--limit N] [--json]`
const LIMIT = '50'

/** npm run sagas: how the orders that name a coupon or points fare. Exits 0, or 2 when it could not look. */
const { state, limit, json } = readArguments()
try {
  const config = parseConfig(z.object({ DATABASE_URL: settings.DATABASE_URL }), process.env.DATABASE_URL ? process.env : { ...runningSystem(), ...process.env })
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

function readArguments() {
  try {
    const { values } = parseArgs({ options: { state: { type: 'string' }, limit: { type: 'string' }, json: { type: 'boolean' } } })
    const { state: given, limit: most = LIMIT } = values
    if (!/^[1-9]\d{0,4}$/.test(most)) throw new Error(`--limit: expected a number from 1 to 99999, got "${most}"`)
    return { state: given === undefined ? undefined : SagaState.parse(given.toUpperCase()), limit: Number(most), json: values.json === true }
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : error instanceof Error ? error.message : String(error)
    process.stderr.write(`${why}\n${USAGE}\n`)
    process.exit(2)
  }
}
