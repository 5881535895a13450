import { createHash, randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import { z } from 'zod'
import { BadConfiguration, parseConfig, settings } from '../core/platform/process/config.ts'
import { isDirect, prepareSession, UnusableSession } from '../core/platform/stores/database-session.ts'
import { findPrimary } from '../core/platform/stores/primary.ts'

export const MIGRATIONS = join(import.meta.dirname, 'migrations')

/** The lock and the table of `prisma migrate deploy`, which may be used in place of this. */
const LOCK = 72_707_369
const HISTORY = `
  CREATE TABLE IF NOT EXISTS _prisma_migrations (
    id varchar(36) PRIMARY KEY NOT NULL, checksum varchar(64) NOT NULL, finished_at timestamptz,
    migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz,
    started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count integer NOT NULL DEFAULT 0
  )`
const CONNECT_MS_MAX = 10_000
/** Another process may be migrating large tables. */
const LOCK_WAIT = '10min'

interface Migration {
  name: string
  sql: string
  checksum: string
}

/** The database cannot be brought up to date by the migrations of this checkout; the message says what to do. */
export class ForeignHistory extends Error {}

/**
 * Applies the migrations that the database does not have yet, in order, each in one transaction: after a failure or a
 * kill none is half applied.
 * @returns their names; none when the database is up to date.
 * @throws ForeignHistory before anything is applied
 */
export async function migrate(databaseUrl: string, folder = MIGRATIONS): Promise<string[]> {
  const migrations = await readMigrations(folder)
  const client = new Client({
    connectionString: await findPrimary(databaseUrl),
    connectionTimeoutMillis: CONNECT_MS_MAX,
  })
  client.on('error', () => {}) // The statement that it interrupts reports the same.
  await client.connect()
  try {
    await prepare(client)
    const applied = await readApplied(client, migrations)
    const missing = migrations.filter(({ name }) => !applied.has(name))
    for (const migration of missing) await apply(client, migration)
    return missing.map(({ name }) => name)
  } finally {
    await client.end()
  }
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  return await Promise.all(
    names.sort().map(async (name) => {
      const sql = await readFile(join(folder, name, 'migration.sql'), 'utf8')
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
    }),
  )
}

/** Takes the lock, which belongs to the session: a pooler would leave it to the session of another client. */
async function prepare(client: Client): Promise<void> {
  if (!(await isDirect(client)))
    throw new UnusableSession(
      "DATABASE_URL goes through a connection pooler: give migrations PostgreSQL's own address.",
    )
  await prepareSession(client, { statementTimeoutMs: 0 })
  await client.query(`SET lock_timeout = '${LOCK_WAIT}'; SELECT pg_advisory_lock(${LOCK}); SET lock_timeout = 0`)
}

/**
 * The names of the applied migrations. Those that only the database has are allowed: an older release must start beside
 * a newer one.
 */
async function readApplied(client: Client, migrations: Migration[]): Promise<Set<string>> {
  const { rows: foreign } = await client.query<{ name: string }>(`
    SELECT relname AS name FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')
      AND to_regclass('_prisma_migrations') IS NULL`)
  if (foreign.length > 0)
    throw new ForeignHistory(
      `The database holds ${foreign.length} tables of something else, such as ${foreign[0]?.name}; give an empty one ` +
        '(CREATE DATABASE seckill).',
    )
  await client.query(HISTORY)
  const { rows: applied } = await client.query<{ name: string; checksum: string; isFinished: boolean }>(`
    SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS "isFinished"
    FROM _prisma_migrations WHERE rolled_back_at IS NULL`)
  const failed = applied.find(({ isFinished }) => !isFinished)
  if (failed)
    throw new ForeignHistory(
      `The migration ${failed.name} failed in this database earlier: mend it by hand, or give an empty database.`,
    )
  const checksums = new Map(applied.map(({ name, checksum }) => [name, checksum]))
  const edited = migrations.filter(({ name, checksum }) => (checksums.get(name) ?? checksum) !== checksum)
  if (edited.length > 0)
    throw new ForeignHistory(
      `The database was migrated by another checkout: its ${edited.map(({ name }) => name).join(', ')} differs from ` +
        'the one here. Run: npm run reset (clears all data that npm start stored). In place of a database of your ' +
        'own, give an empty one.',
    )
  return new Set(checksums.keys())
}

async function apply(client: Client, { name, sql, checksum }: Migration): Promise<void> {
  try {
    await client.query('BEGIN')
    await client.query(sql)
    await client.query(
      `INSERT INTO public._prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
      VALUES ($1, $2, $3, clock_timestamp(), 1)`,
      [randomUUID(), checksum, name],
    )
    await client.query('COMMIT')
  } catch (error) {
    throw new Error(`The migration ${name} failed, and nothing of it was applied: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

if (process.argv[1] === import.meta.filename) {
  try {
    // Without NODE_ENV: whether a password is good enough for production is the services' concern.
    const env = { DATABASE_URL: process.env.DATABASE_URL }
    const { DATABASE_URL } = parseConfig(z.object({ DATABASE_URL: settings.DATABASE_URL }), env)
    const applied = await migrate(DATABASE_URL)
    console.log(applied.length > 0 ? `Applied ${applied.join(', ')}.` : 'Up to date, nothing to apply.')
  } catch (error) {
    if (!(error instanceof ForeignHistory || error instanceof BadConfiguration)) throw error
    console.error(error.message)
    process.exitCode = 78
  }
}
