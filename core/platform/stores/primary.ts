import { Client, type ClientConfig } from 'pg'
import { databaseHosts } from './database-url.ts'

const ANSWER_LIMIT_MS = 2_000

/**
 * The URL of the host that is the primary. Where a former primary was not stopped when another host was promoted, that
 * is the one of the later timeline. @throws when there is none
 */
export async function findPrimary(url: string): Promise<string> {
  const hosts = databaseHosts(url)
  if (hosts.length < 2) return hosts[0] ?? url
  const answers = await Promise.allSettled(hosts.map(readTimeline))
  const timelines = answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : 0))
  const latest = Math.max(...timelines)
  const primary = hosts[timelines.indexOf(latest)]
  if (latest > 0 && primary !== undefined) return primary
  const reasons = answers.map((answer) => (answer.status === 'rejected' ? messageOf(answer.reason) : 'a standby'))
  throw new Error(`None of the ${hosts.length} hosts of DATABASE_URL is a primary: ${reasons.join('; ')}`)
}

/** Of a name with several addresses each one has its error. */
const messageOf = (error: unknown): string =>
  error instanceof AggregateError ? messageOf(error.errors.at(-1)) : (error as Error).message

/** 0 for a standby. Each promotion begins the next timeline; its number begins the names of the WAL files. */
async function readTimeline(host: string): Promise<number> {
  const client = new Client({
    connectionString: host,
    connectionTimeoutMillis: ANSWER_LIMIT_MS,
    query_timeout: ANSWER_LIMIT_MS,
  })
  client.on('error', () => {}) // The rejected call says the same.
  try {
    await client.connect()
    const { rows } = await client.query<{ timeline: string }>(`
      SELECT CASE WHEN pg_is_in_recovery() THEN '0'
        ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END AS timeline`)
    return Number.parseInt(rows[0]?.timeline ?? '0', 16)
  } finally {
    await client.end().catch(() => {}) // There was no connection.
  }
}

/** A client that connects to the host which is the primary at that moment. */
const clientOf = (primary: () => string, follow: (client: Client, host: string) => void) =>
  class extends Client {
    constructor(config: ClientConfig = {}) {
      const host = primary()
      super({ ...config, connectionString: host })
      follow(this, host)
    }
  }

/** Makes the connections of a pool to the primary among the hosts of a DATABASE_URL. */
export class PrimaryConnections {
  readonly #url: string
  readonly #open = new Map<Client, string>()
  #primary: string
  #search: Promise<void> | undefined
  /** For the pool. */
  readonly Client: new (
    config?: ClientConfig,
  ) => Client

  constructor(url: string) {
    this.#url = url
    this.#primary = databaseHosts(url)[0] ?? url
    this.Client = clientOf(
      () => this.#primary,
      (client, host) => this.#follow(client, host),
    )
  }

  /**
   * To be called when a connection could not be made or used. The search goes on in the background; connections to the
   * host that was the primary until now are closed then.
   */
  lost(): void {
    void this.find()
  }

  /** Resolves when the search is over, with or without success. */
  find(): Promise<void> {
    this.#search ??= findPrimary(this.#url)
      .then((found) => this.#moveTo(found))
      .catch(() => {}) // None yet: the next connection fails, too, and searches again.
      .finally(() => (this.#search = undefined))
    return this.#search
  }

  #follow(client: Client, host: string): void {
    this.#open.set(client, host)
    client.once('end', () => this.#open.delete(client))
    const connect = client.connect.bind(client) as (callback: (error?: Error) => void) => void
    client.connect = ((callback: (error?: Error) => void) =>
      connect((error) => {
        if (error) this.lost()
        callback(error)
      })) as Client['connect']
  }

  #moveTo(primary: string): void {
    this.#primary = primary
    for (const [client, url] of this.#open)
      if (url !== primary)
        (client as unknown as { connection: { stream: { destroy: () => void } } }).connection.stream.destroy()
  }
}
