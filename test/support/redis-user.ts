import { subscriberRights } from '../../subscribers/runtime/handle-events.ts'
import { ledgerRights } from '../../core/stock/rights.ts'
import type { World } from './world.ts'

/** A user of the world's Redis with exactly the rights that the services require. */
export interface RedisUser {
  url: string
  /** Applies rules of ACL SETUSER, also to open connections. */
  set: (...rules: string[]) => Promise<void>
  /** Restores the initial rights. */
  reset: () => Promise<void>
  drop: () => Promise<void>
}

export async function redisUser({
  name,
  redis,
  redisUrl,
  keyPrefix,
}: Pick<World, 'name' | 'redis' | 'redisUrl' | 'keyPrefix'>): Promise<RedisUser> {
  const rights = [...ledgerRights(keyPrefix), ...subscriberRights(keyPrefix)]
  const set = async (...rules: string[]) => {
    await redis.call('ACL', 'SETUSER', name, ...rules)
  }
  const reset = () => set('reset', 'on', '>pass', '-@all', ...rights.flatMap(({ rule }) => rule.split(' ')))
  await reset()
  const url = new URL(redisUrl)
  Object.assign(url, { username: name, password: 'pass' })
  return {
    url: url.href,
    set,
    reset,
    drop: async () => {
      await redis.call('ACL', 'DELUSER', name)
    },
  }
}
