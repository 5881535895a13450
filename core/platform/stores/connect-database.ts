import { PrismaClient } from '../../../prisma/generated/client.ts'
import { PrismaPg } from '@prisma/adapter-pg'
import { DriverAdapterError, type SqlQuery, type SqlQueryable } from '@prisma/driver-adapter-utils'
import type { Database } from './database.ts'
import { type PgConnection, prepareSession } from './database-session.ts'
import { closeOnQueryTimeout } from './close-on-query-timeout.ts'
import { PrimaryConnections } from './primary.ts'
import { StatementNames } from './statement-names.ts'

export interface DatabaseLimits {
  connections: number
  /** PostgreSQL cancels a statement that runs longer. */
  statementTimeoutMs: number
  /** For a new connection. Default: 3 s. */
  connectTimeoutMs?: number
}

const CONNECT_TIMEOUT_MS = 3_000

/** Every wait has a limit: for a connection, a lock, a statement, and the whole transaction. */
export function connectDatabase(url: string, limits: DatabaseLimits): Database {
  return new PrismaClient({
    adapter: new Connections(url, limits),
    transactionOptions: { maxWait: 3_000, timeout: 10_000 },
  })
}

/** A driver adapter whose sessions have the required settings and survive an ALTER TABLE. */
class Connections extends PrismaPg {
  readonly #names: StatementNames
  readonly #primary: PrimaryConnections

  constructor(url: string, limits: DatabaseLimits) {
    const { connections, statementTimeoutMs, connectTimeoutMs = CONNECT_TIMEOUT_MS } = limits
    const names = new StatementNames()
    const primary = new PrimaryConnections(url)
    const options = {
      Client: primary.Client,
      max: connections,
      connectionTimeoutMillis: connectTimeoutMs,
      // PostgreSQL cancels a slow statement; only the client can notice a dead connection.
      query_timeout: statementTimeoutMs + 1_000,
      keepAlive: true,
      keepAliveInitialDelayMillis: 5_000,
      // The pool awaits this, and drops the connection when it throws. The settings are not sent as startup parameters:
      // poolers reject unknown ones or ignore them silently.
      onConnect: async (client: PgConnection) => {
        closeOnQueryTimeout(client, () => primary.lost())
        try {
          names.areKept = await prepareSession(client, { statementTimeoutMs })
        } catch (error) {
          primary.lost()
          throw error
        }
      },
    }
    super(options, { statementNameGenerator: ({ sql }) => names.nameOf(sql) })
    this.#names = names
    this.#primary = primary
  }

  override async connect() {
    // A command gives up when its first connection is to a standby.
    await this.#primary.find()
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
   * A prepared statement whose result types were changed by an ALTER TABLE fails on every connection that has it. New
   * names make every connection prepare its statements again; a single statement is retried here, a transaction by its
   * caller.
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

/** "cached plan must not change result type", raised before the statement has an effect. */
const isStalePlan = (error: unknown) => error instanceof DriverAdapterError && error.cause.originalCode === '0A000'
