import { statfs } from 'node:fs/promises'
import { type RedisClient, serversOf } from '../../core/platform/stores/redis.ts'
import type { ToMend } from '../../core/contracts/ready.ts'
import type { Database } from '../../core/platform/stores/database.ts'
import { lossy } from '../../core/platform/stores/redis-check.ts'

/** Below these a server counts as nearly full. */
export interface Reserves {
  diskBytes: number
  databaseConnections: number
  redisClients: number
  /** Share of Redis' memory limit that may be used. */
  redisMemoryShare: number
}
export const RESERVES: Reserves = {
  diskBytes: 1_000_000_000,
  databaseConnections: 10,
  redisClients: 100,
  redisMemoryShare: 0.7,
}
/** Of signed times the services tolerate more; a sale that opens late on one server is seen. */
const CLOCKS_DIFFER_MS_MAX = 1_000

/** What Redis says of its persistence, eviction, memory and clients. @throws when it does not answer */
export async function checkRedis(redis: RedisClient, reserves: Reserves): Promise<ToMend[]> {
  const infos = await Promise.all(serversOf(redis).map((server) => server.info()))
  return infos.flatMap((info) => checkInfo(info, reserves))
}

function checkInfo(info: string, reserves: Reserves): ToMend[] {
  const valueOf = (field: string) => new RegExp(`^${field}:(\\S+)`, 'm').exec(info)?.[1]
  const found: ToMend[] = lossy(info).map((problem) => ({ check: 'redis', ...problem }))
  const [used, limit] = [Number(valueOf('used_memory')), Number(valueOf('maxmemory'))]
  if (limit > 0 && used > limit * reserves.redisMemoryShare)
    found.push({
      check: 'redis',
      code: 'REDIS_MEMORY',
      detail: `Redis uses ${used} of its ${limit} bytes, and refuses reservations when they are full: raise maxmemory.`,
    })
  const clients = Number(valueOf('maxclients')) - Number(valueOf('connected_clients'))
  if (clients < reserves.redisClients)
    found.push({
      check: 'connections',
      code: 'REDIS_CLIENTS',
      detail: `Redis has ${clients} connections left: raise maxclients, or close clients that are not needed.`,
    })
  if (valueOf('aof_last_write_status') === 'err' || valueOf('rdb_last_bgsave_status') === 'err')
    found.push({
      check: 'disk',
      code: 'REDIS_CANNOT_WRITE',
      detail: 'Redis could not write its data to the disk the last time: make room there, and see its log.',
    })
  return found
}

/** Connections left, and its clock beside that of Redis. @throws when a server does not answer */
export async function checkDatabase(database: Database, redis: RedisClient, reserves: Reserves): Promise<ToMend[]> {
  const askedAtMs = performance.now()
  const [[seconds, micros], [row]] = await Promise.all([
    redis.time(),
    database.$queryRaw<[{ left: number; nowMs: number }]>`
      SELECT current_setting('max_connections')::int - (SELECT count(*)::int FROM pg_stat_activity) AS left,
        (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS "nowMs"`,
  ])
  const apartMs =
    Math.abs(Number(seconds) * 1_000 + Number(micros) / 1_000 - row.nowMs) - (performance.now() - askedAtMs)
  const found: ToMend[] = []
  if (row.left < reserves.databaseConnections)
    found.push({
      check: 'connections',
      code: 'DATABASE_CONNECTIONS',
      detail: `PostgreSQL has ${row.left} connections left: raise max_connections, or run fewer processes.`,
    })
  if (apartMs > CLOCKS_DIFFER_MS_MAX)
    found.push({
      check: 'clocks',
      code: 'CLOCKS_DIFFER',
      detail: `The clocks of Redis and PostgreSQL are ${Math.round(apartMs)} ms apart: set both by NTP.`,
    })
  return found
}

/** Of this machine, which in a small shop is that of the servers. @throws when the system does not tell */
export async function checkDisk(reserves: Reserves): Promise<ToMend[]> {
  const { bavail, bsize } = await statfs(process.cwd())
  const left = bavail * bsize
  if (left >= reserves.diskBytes) return []
  const detail = `The disk of the control room's machine has ${left} bytes left: make room, there and on the servers.`
  return [{ check: 'disk', code: 'DISK_FULL', detail }]
}
