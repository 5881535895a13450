import type { RedisClient } from '../platform/stores/redis.ts'
import { slicesOf } from '../platform/batches/divide.ts'

export interface BlacklistDifference {
  /** Buyers who should be listed in Redis and are not. */
  missing: string[]
  /** Buyers who are listed in Redis and should not be. */
  extra: string[]
}

const PIECE = 5_000

/**
 * Compares a blacklist in Redis with the wanted one, in two round trips where they agree. @throws when Redis does not
 * answer
 */
export async function compareBlacklist(
  redis: RedisClient,
  key: string,
  listed: string[],
): Promise<BlacklistDifference> {
  const size = await redis.scard(key)
  const missing: string[] = []
  for (const some of slicesOf(listed, PIECE)) {
    const found = await redis.smismember(key, ...some)
    missing.push(...some.filter((_, i) => found[i] === 0))
  }
  const extra = size > listed.length - missing.length ? await findExtra(redis, key, listed) : []
  return { missing, extra }
}

async function findExtra(redis: RedisClient, key: string, listed: string[]): Promise<string[]> {
  const wanted = new Set(listed)
  const extra = new Set<string>()
  let cursor = '0'
  do {
    const [next, members] = await redis.sscan(key, cursor, 'COUNT', PIECE)
    cursor = next
    for (const member of members) if (!wanted.has(member)) extra.add(member)
  } while (cursor !== '0')
  return [...extra]
}
