import { PrismaPg } from '@prisma/adapter-pg'
import { ColumnTypeEnum, type SqlDriverAdapter, type SqlQuery, type SqlResultSet } from '@prisma/driver-adapter-utils'
import {
  isDirect,
  type PgConnection,
  prepareSession,
  UnusableSession,
} from '../core/platform/stores/database-session.ts'

/** What the schema engine reads of the catalogue in the type "char" (one letter), which the adapter does not know. */
const LETTER_COLUMNS = ['constraint_type', 'confdeltype', 'confupdtype']
const LETTER_EXPRESSIONS = /\b(constr\.contype|con\.confdeltype|con\.confupdtype)\b/g

/** Connections to PostgreSQL as the schema engine needs them: @prisma/adapter-pg 7.10 with four gaps closed. */
export class SchemaConnections extends PrismaPg {
  /** Why a connection was given up: the engine itself only says that there was "an external error". */
  refusal: unknown
  readonly #open: SqlDriverAdapter[] = []

  constructor(connectionString: string) {
    const onConnect = (client: PgConnection) =>
      prepareForMigration(client).catch((error: unknown) => {
        this.refusal = error
        throw error
      })
    const options = { connectionString, connectionTimeoutMillis: 10_000, onConnect }
    super(options)
  }

  override async connect() {
    const adapter = await super.connect()
    // Its own executeScript cuts at every semicolon, those in comments and function bodies included. Sent whole and
    // without parameters, PostgreSQL finds the borders itself and makes one transaction of it.
    adapter.executeScript = async (script) => {
      await adapter.executeRaw({ sql: script, args: [], argTypes: [] })
    }
    const queryRaw = adapter.queryRaw.bind(adapter)
    adapter.queryRaw = async (query) => withLetters(await queryRaw(describable(query)))
    this.#open.push(adapter)
    return adapter
  }

  /** Freeing the engine leaves its connections open, and with them the lock that keeps two migrations apart. */
  async close(): Promise<void> {
    await Promise.all(this.#open.splice(0).map((adapter) => adapter.dispose()))
  }
}

/** Two migrations are kept apart by a lock of the session, which a pooler would leave to another client's session. */
async function prepareForMigration(client: PgConnection): Promise<void> {
  if (!(await isDirect(client)))
    throw new UnusableSession(
      "DATABASE_URL goes through a connection pooler: give migrations PostgreSQL's own address.",
    )
  await prepareSession(client, { statementTimeoutMs: 0 })
}

/** PostgreSQL 18 lists each NOT NULL as a constraint of the kind 'n', at which the engine, older than it, panics. */
function describable({ sql, ...rest }: SqlQuery): SqlQuery {
  return {
    ...rest,
    sql: sql.replace(LETTER_EXPRESSIONS, '$1::text').replace("NOT IN ('p', 'u', 'f')", "NOT IN ('p', 'u', 'f', 'n')"),
  }
}

function withLetters({ columnTypes, ...rest }: SqlResultSet): SqlResultSet {
  const typed = columnTypes.map((type, at) =>
    LETTER_COLUMNS.includes(rest.columnNames[at] ?? '') ? ColumnTypeEnum.Character : type,
  )
  return { ...rest, columnTypes: typed }
}
