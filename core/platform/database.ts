import { setTimeout as delay } from 'node:timers/promises'
import { PrismaPg } from '@prisma/adapter-pg'
import { Prisma, PrismaClient } from '../../prisma/generated/client.ts'

export { Prisma }
export type { Sale, SpreadStage } from '../../prisma/generated/client.ts'
export type Database = PrismaClient
/** The client inside a transaction. */
export type Transaction = Prisma.TransactionClient

export interface DatabaseLimits {
  connections: number
  /** No statement runs longer; PostgreSQL ends it. */
  statementTimeoutMs: number
}

/** Every wait has a limit: for a connection, for a lock, for a statement, for a forgotten transaction. */
export function connectDatabase(url: string, limits: DatabaseLimits): Database {
  const adapter = new PrismaPg({
    connectionString: url,
    max: limits.connections,
    connectionTimeoutMillis: 3_000,
    statement_timeout: limits.statementTimeoutMs,
    // The server ends a slow statement; only the client notices a connection that has fallen silent.
    query_timeout: limits.statementTimeoutMs + 1_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    lock_timeout: Math.floor(limits.statementTimeoutMs / 2),
    idle_in_transaction_session_timeout: 10_000,
    // A plan that is kept suits the table of its first minute: made for 100 orders, one took 2,761 ms over 300,000, not 2.
    options: '-c plan_cache_mode=force_custom_plan',
  }, { statementNameGenerator: statementNames() })
  return new PrismaClient({ adapter, transactionOptions: { maxWait: 3_000, timeout: 10_000 } })
}

const ANSWER_LIMIT_MS = 2_000

/** Whether PostgreSQL answers at all; false after 2 s. Never throws. */
export async function databaseAnswers(database: Database): Promise<boolean> {
  const late = new AbortController()
  const answer = database.$queryRaw`SELECT 1`.then(() => true, () => false)
  const limit = delay(ANSWER_LIMIT_MS, false, { signal: late.signal }).catch(() => false)
  return await Promise.race([answer, limit]).finally(() => late.abort())
}

/** Statements that each connection keeps prepared; ours are some 60. Others run as before, parsed every time. */
const PREPARED_MAX = 200

/** Statements with a name are parsed once per connection: placing one order costs PostgreSQL 730 µs instead of 930. */
function statementNames(): (statement: { sql: string }) => string {
  const names = new Map<string, string>()
  return ({ sql }) => {
    const known = names.get(sql)
    if (known !== undefined || names.size >= PREPARED_MAX) return known ?? ''
    const name = `s${names.size}`
    names.set(sql, name)
    return name
  }
}

/**
 * Whether PostgreSQL refused the *data* (SQLSTATE class 22 or 23), so that trying the same again is futile. Everything
 * else (gone, slow, deadlocked, restarting) passes by itself.
 */
export function isDataError(error: unknown): boolean {
  return /^2[23]/.test(sqlState(error) ?? '')
}

/** The five-character SQLSTATE behind a Prisma error, when PostgreSQL gave one. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return undefined
  if (error.code === 'P2002') return '23505'
  if (error.code === 'P2003') return '23503'
  return adapterCause(error)?.originalCode
}

/** What the driver adapter calls the fault; raw queries have one code for all faults, and only this tells them apart. */
export function faultKind(error: unknown): string | undefined {
  return error instanceof Prisma.PrismaClientKnownRequestError ? adapterCause(error)?.kind : undefined
}

function adapterCause({ meta }: { meta?: Record<string, unknown> }) {
  return (meta as { driverAdapterError?: { cause?: { originalCode?: string; kind?: string } } } | undefined)?.driverAdapterError?.cause
}
