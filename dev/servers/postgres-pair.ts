import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { secretFile } from '../secrets.ts'
import { freePort } from './ports.ts'
import { startPostgres } from './postgres.ts'
import type { RunningServer, StartOptions } from './running-server.ts'

const NAMES = ['postgres-1', 'postgres-2'] as const
const ANSWER_LIMIT_MS = 3_000
const POLL_INTERVAL_MS = 200

/** Every commit waits for the standby. Without one none is made: what was promised would be on one server only. */
const REPLICATED = { synchronous_standby_names: '*', wal_keep_size: '1GB' }

export interface PostgresNode {
  /** "postgres-1" */
  name: string
  url: string
  /** As the primary, or with a new copy of it as its standby, whichever is its turn. */
  start: (options?: StartOptions) => Promise<RunningServer>
}

export interface PostgresPair {
  nodes: PostgresNode[]
  /** The URL of a database with both hosts. */
  url: (database: string) => string
  /** The node whose turn it is to be the primary. */
  primary: () => PostgresNode
}

/**
 * A primary and a synchronous standby on loopback; ports are chosen, nothing is started. When the primary's process
 * ends, the standby is promoted, and the former primary comes back as its standby. Which one is the primary stands in a
 * file of the folder, which nothing else writes: there are never two.
 */
export async function planPostgresPair(folder: string, settings: Record<string, string> = {}): Promise<PostgresPair> {
  await mkdir(folder, { recursive: true, mode: 0o711 })
  const password = await secretFile(join(folder, 'password'))
  const ports = [await freePort(), await freePort()]
  const turn = join(folder, 'primary')
  let failingOver = Promise.resolve()

  const urlOf = (i: number) => `postgresql://postgres:${password}@127.0.0.1:${ports[i]}/postgres`
  const recorded = await readFile(turn, 'utf8').catch(() => '')
  let primary = Math.max(
    0,
    NAMES.findIndex((name) => name === recorded),
  )

  /** The standby, if it runs, becomes the primary. */
  async function failOver(from: number): Promise<void> {
    if (primary !== from) return
    const other = 1 - from
    const isStandby = await ask(urlOf(other), 'SELECT pg_is_in_recovery() AS answer').catch(() => undefined)
    if (isStandby === undefined) return
    await writeFile(turn, NAMES[other] ?? '')
    primary = other
    if (isStandby) await ask(urlOf(other), 'SELECT pg_promote() AS answer')
  }

  const nodes = NAMES.map((name, i): PostgresNode => {
    const dataDir = join(folder, name)
    return {
      name,
      url: urlOf(i),
      async start(options = {}) {
        await failingOver
        const isStandby = primary !== i
        const standbyOf = urlOf(primary)
        if (isStandby) await untilAnswers(standbyOf, options.signal)
        // Left by a promotion that was interrupted.
        else await rm(join(dataDir, 'cluster', 'standby.signal'), { force: true })
        const running = await startPostgres({
          ...options,
          onStart: (_, id) => options.onStart?.(name, id),
          dataDir,
          port: ports[i] ?? 0,
          settings: { ...REPLICATED, ...settings },
          password,
          ...(isStandby ? { standbyOf, name } : {}),
        })
        void running.ended.then(() => {
          failingOver = failOver(i).catch(() => {}) // Then the former primary starts as what it was.
        })
        return running
      },
    }
  })

  return {
    nodes,
    url: (database) =>
      `postgresql://postgres:${password}@${ports.map((port) => `127.0.0.1:${port}`).join(',')}/${database}`,
    primary: () => nodes[primary] as PostgresNode,
  }
}

async function untilAnswers(url: string, signal: AbortSignal | undefined): Promise<void> {
  while ((await ask(url, 'SELECT NOT pg_is_in_recovery() AS answer').catch(() => false)) !== true)
    await sleep(POLL_INTERVAL_MS, undefined, { signal })
}

async function ask(url: string, sql: string): Promise<unknown> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: ANSWER_LIMIT_MS,
    query_timeout: ANSWER_LIMIT_MS,
  })
  client.on('error', () => {}) // The rejected call says the same.
  try {
    await client.connect()
    const { rows } = await client.query<{ answer: unknown }>(sql)
    return rows[0]?.answer
  } finally {
    await client.end().catch(() => {}) // There was no connection.
  }
}
