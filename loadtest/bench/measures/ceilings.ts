import type { Bench } from '../context.ts'
import { measure } from '../measure.ts'
import type { Measured } from '../results.ts'

/** Redis database of its own, see load/redis-lane.ts. */
const CEILING_DATABASE = 1

/** What Express does when it has nothing to do: the unit all else is given in. */
export async function measureHello(bench: Bench): Promise<Measured> {
  return await measure(bench, {
    name: 'bare Express',
    url: `${bench.hello.url}/hello`,
    processes: ['hello'],
    expected: ['accepted'],
  })
}

/** The reserve script alone, one call in flight on each connection. */
export async function measureRedis(bench: Bench): Promise<Measured> {
  const url = `${bench.system.env.REDIS_URL}/${CEILING_DATABASE}`
  return await measure(bench, {
    name: 'raw Redis',
    url,
    plan: { kind: 'redis' },
    processes: ['redis'],
    expected: ['accepted'],
  })
}
