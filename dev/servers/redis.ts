import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { startChild } from '../processes.ts'
import { pathOf } from './binaries.ts'
import { freePort } from './ports.ts'
import { waitUntilReady } from './ready.ts'
import type { RunningServer, ServerOptions } from './running-server.ts'

const STOP_LIMIT_MS = 10_000

export interface RedisOptions extends ServerOptions {
  /** Beside those of every server, or in their place. */
  settings?: Record<string, string>
}

/** A private Redis on loopback that syncs its log before each answer. */
export async function startRedis({ settings = {}, port, ...options }: RedisOptions): Promise<RunningServer> {
  const listenOn = port ?? (await freePort())
  return launchRedis(redisArguments({ ...ownSettings(options.dataDir, listenOn), ...settings }), listenOn, options)
}

/** Any program of `redis-server` with these arguments, which make it listen on that port. */
export async function launchRedis(
  args: string[],
  listenOn: number,
  { dataDir, onStart, signal, progress }: Omit<ServerOptions, 'port'>,
): Promise<RunningServer> {
  await mkdir(dataDir, { recursive: true })
  const logFile = join(dataDir, 'redis.log')
  const child = startChild({ command: pathOf('redis'), args, logFile, graceMs: STOP_LIMIT_MS })
  onStart?.('redis', child)

  let version = ''
  const isReady = async () => (version = await versionAt(listenOn, child.pid)) !== ''
  await waitUntilReady(isReady, { name: 'Redis', child, signal, progress })
  return { ...child, version, url: `redis://127.0.0.1:${listenOn}` }
}

const ownSettings = (dataDir: string, port: number): Record<string, string> => ({
  bind: '127.0.0.1',
  'protected-mode': 'yes',
  port: String(port),
  dir: dataDir,
  // A confirmed reservation must outlive the process: its 202 may already be on the wire.
  appendonly: 'yes',
  appendfsync: 'always',
  save: '', // The log suffices; snapshots would only cost.
  // A Redis that evicts forgets reservations: refuse writes instead.
  'maxmemory-policy': 'noeviction',
  // The book of an ended sale may have a million fields: freed in the background, it blocks no other sale.
  'lazyfree-lazy-expire': 'yes',
})

const redisArguments = (settings: Record<string, string>) =>
  Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])

/**
 * Empty when another Redis than ours answers. One that still reads its log answers LOADING to a PING, which is an error
 * here. Valkey has a version of its own.
 */
async function versionAt(port: number, pid: number): Promise<string> {
  const redis = new Redis(port, '127.0.0.1', {
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: 5_000,
    commandTimeout: 5_000,
  })
  redis.on('error', () => {}) // The rejected call reports the same.
  try {
    await redis.connect()
    await redis.ping()
    const about = await redis.info('server')
    if (!about.includes(`process_id:${pid}\r\n`)) return ''
    return /^valkey_version:(\S+)/m.exec(about)?.[1] ?? /^redis_version:(\S+)/m.exec(about)?.[1] ?? 'of unknown version'
  } finally {
    redis.disconnect()
  }
}
