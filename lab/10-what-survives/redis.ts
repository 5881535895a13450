import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { startRedis } from '../../dev/servers/redis.ts'
import type { Place } from '../frame/place.ts'
import type { Entry, RedisWay } from './entry.ts'

const KEY = 'messages'

/** Appends messages to a list, kills Redis after the last answer, and starts it again. */
export async function killRedis(place: Place<Entry>, way: RedisWay): Promise<void> {
  const { folder, now, amount } = place
  const restores = way.endsWith('-copy')
  const files = join(folder, way)
  const copy = join(folder, `${way}-copy`)
  const count = amount(400, 20)

  const before = await openRedis(place, files)
  const { redis } = before
  await redis.config('SET', 'appendfsync', way.replace('-copy', ''))
  place.record({ way, what: 'BEGAN', at: now() })
  for (let message = 1; message <= count; message++) {
    await redis.rpush(KEY, message)
    place.record({ way, what: 'TOLD', message, at: now() })
    if (restores && message === count / 2) await cp(files, copy, { recursive: true })
  }
  redis.disconnect()
  await before.kill()
  place.record({ way, what: 'KILLED', at: now() })
  if (restores) {
    await rm(files, { recursive: true })
    await cp(copy, files, { recursive: true })
  }

  const after = await openRedis(place, files)
  const left = await after.redis.lrange(KEY, 0, -1)
  for (const message of left) place.record({ way, what: 'LEFT', message: Number(message), at: now() })
}

/** A Redis of the lab's own, on these files. */
async function openRedis({ onStart, defer }: Place<Entry>, dataDir: string) {
  const server = await startRedis({ dataDir, onStart })
  defer(() => server.stop())
  const redis = new Redis(server.url)
  redis.on('error', () => {}) // A command that fails reports the same.
  defer(() => redis.disconnect())
  return {
    redis,
    kill: async () => {
      process.kill(server.pid, 'SIGKILL')
      await server.ended
    },
  }
}
