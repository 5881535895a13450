import { type OwnCluster, startOwnCluster } from '../../support/own-cluster.ts'
import { type OwnPostgresPair, startOwnPostgresPair } from '../../support/own-postgres-pair.ts'
import { startTestCluster, type TestCluster } from '../../support/redis-cluster.ts'
import type { AnyServers } from './servers.ts'

/** As `npm run cluster` has them, each node a process of its own. */
export interface ClusterServers extends AnyServers {
  /** Three masters and their replicas. */
  redis: TestCluster
  /** Three nodes. */
  rabbitmq: OwnCluster
  /** A primary and its synchronous standby. */
  postgres: OwnPostgresPair
}

export async function startClusterServers(): Promise<ClusterServers> {
  const starting = [startTestCluster(), startOwnCluster(), startOwnPostgresPair()] as const
  try {
    const [redis, rabbitmq, postgres] = await Promise.all(starting)
    return {
      redis,
      rabbitmq,
      postgres,
      databaseUrl: postgres.url,
      redisUrl: redis.url,
      rabbitmqUrl: rabbitmq.url,
      whole: async () => void (await Promise.all([redis.whole(), rabbitmq.whole(), postgres.whole()])),
      close: async () => void (await Promise.all([redis.close(), rabbitmq.close(), postgres.close()])),
    }
  } catch (error) {
    // What is still starting must be there before it can be stopped.
    for (const started of await Promise.allSettled<{ close: () => Promise<void> }>(starting))
      if (started.status === 'fulfilled') await started.value.close()
    throw error
  }
}
