import { PrismaPg } from '@prisma/adapter-pg'
import { DriverAdapterError, type SqlQuery, type SqlQueryable } from '@prisma/driver-adapter-utils'
import { type PgConnection, prepareSession } from './database-session.ts'
import { endWhenUnanswered } from './end-unanswered.ts'
import { StatementNames } from './statement-names.ts'

export interface DatabaseLimits {
  connections: number
  /** No statement runs longer; PostgreSQL ends it. */
  statementTimeoutMs: number
}

/** Connections to PostgreSQL whose sessions are as the code needs them, and which outlive a change of the tables. */
export class Connections extends PrismaPg {
  readonly #names: StatementNames

  constructor(url: string, { connections, statementTimeoutMs }: DatabaseLimits) {
    const names = new StatementNames()
    const options = {
      connectionString: url,
      max: connections,
      connectionTimeoutMillis: 3_000,
      // The server ends a slow statement; only the client notices a connection that has fallen silent.
      query_timeout: statementTimeoutMs + 1_000,
      keepAlive: true,
      keepAliveInitialDelayMillis: 5_000,
      // Awaited by the pool, which drops the connection when it throws. Nothing of this goes into the startup message:
      // a pooler refuses what it does not know there, or leaves it out without a word.
      onConnect: async (client: PgConnection) => {
        endWhenUnanswered(client)
        names.areKept = await prepareSession(client, { statementTimeoutMs })
      },
    }
    super(options, { statementNameGenerator: ({ sql }) => names.nameOf(sql) })
    this.#names = names
  }

  override async connect() {
    const adapter = await super.connect()
    const startTransaction = adapter.startTransaction.bind(adapter)
    adapter.startTransaction = async (isolationLevel) => {
      const transaction = await startTransaction(isolationLevel)
      this.#renewNames(transaction, false)
      return transaction
    }
    this.#renewNames(adapter, true)
    return adapter
  }

  /**
   * A prepared statement whose result has other types since an ALTER TABLE fails on every connection that knows it.
   * With new names all are prepared anew; a single statement is tried again at once, a transaction by whoever began it.
   */
  #renewNames(queryable: SqlQueryable, mayRepeat: boolean): void {
    const attempt =
      <Result>(run: (query: SqlQuery) => Promise<Result>) =>
      async (query: SqlQuery) => {
        try {
          return await run(query)
        } catch (error) {
          if (!isStalePlan(error)) throw error
          this.#names.renew()
          if (!mayRepeat) throw error
          return run(query)
        }
      }
    queryable.queryRaw = attempt(queryable.queryRaw.bind(queryable))
    queryable.executeRaw = attempt(queryable.executeRaw.bind(queryable))
  }
}

/** "cached plan must not change result type": raised before the statement does anything. */
const isStalePlan = (error: unknown) => error instanceof DriverAdapterError && error.cause.originalCode === '0A000'
