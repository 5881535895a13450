import { Client } from 'pg'
import { connectionFault, Fault, type NamedServer, type ServerReport, userOf } from './fault.ts'

const ANSWER_LIMIT_MS = 10_000

interface Contents {
  version: string
  database: string
  isOurs: boolean
  tables: number
  mayCreate: boolean
  failed: string | null
}

/** Checks that the database can be migrated. @throws Fault, or an error that a retry may mend */
export async function checkPostgres(server: NamedServer): Promise<ServerReport> {
  const client = new Client({
    connectionString: server.url.href,
    connectionTimeoutMillis: ANSWER_LIMIT_MS,
    query_timeout: ANSWER_LIMIT_MS,
  })
  client.on('error', () => {}) // The rejected call says the same.
  try {
    await client.connect()
    const contents = await readContents(client)
    judge(contents, server)
    return { version: contents.version, warnings: [] }
  } catch (error) {
    throw faultOf(error, server) ?? error
  } finally {
    await client.end().catch(() => {
      /* There was no connection. */
    })
  }
}

async function readContents(client: Client): Promise<Contents> {
  const {
    rows: [found],
  } = await client.query<Omit<Contents, 'failed'>>(`
    SELECT split_part(current_setting('server_version'), ' ', 1) AS version, current_database() AS database,
      to_regclass('_prisma_migrations') IS NOT NULL AS "isOurs",
      (SELECT count(*)::int FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm')) AS tables,
      coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS "mayCreate"`)
  if (!found) throw new Error('PostgreSQL answered without a row')
  if (!found.isOurs) return { ...found, failed: null }
  const {
    rows: [half],
  } = await client.query<{ name: string }>(
    'SELECT migration_name AS name FROM _prisma_migrations WHERE finished_at IS NULL AND rolled_back_at IS NULL LIMIT 1',
  )
  return { ...found, failed: half?.name ?? null }
}

function judge({ database, isOurs, tables, mayCreate, failed }: Contents, server: NamedServer): void {
  const another = 'give an empty database (CREATE DATABASE seckill)'
  if (!isOurs && tables > 0) {
    throw new Fault(`the database "${database}" holds ${tables} tables of something else; ${another}.`)
  }
  if (failed) {
    throw new Fault(
      `the migration ${failed} failed in the database "${database}" earlier; ${another}, or mend it by hand.`,
    )
  }
  if (!mayCreate) {
    throw new Fault(
      `the user "${userOf(server, 'postgres')}" may not create tables in the database "${database}"; make ` +
        `it the database's owner.`,
    )
  }
}

function faultOf(error: unknown, server: NamedServer): Fault | undefined {
  const { code } = error as { code?: string }
  const user = userOf(server, 'postgres')
  if (error instanceof Fault) return error
  if (code === '28P01') return new Fault(`the password of the user "${user}" is wrong.`)
  if (code === '28000') return new Fault(`PostgreSQL does not let the user "${user}" in: ${(error as Error).message}.`)
  if (code === '3D000') return new Fault(`${(error as Error).message}; create it (CREATE DATABASE …), or name another.`)
  if (code === '42501') return new Fault(`the user "${user}" lacks a right: ${(error as Error).message}.`)
  return connectionFault(error, server)
}
