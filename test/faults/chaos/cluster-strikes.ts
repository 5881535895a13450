import { setTimeout as sleep } from 'node:timers/promises'
import { serversOf } from '../../../core/platform/stores/redis.ts'
import type { ClusterServers } from '../support/cluster-servers.ts'
import type { Server } from '../support/server.ts'
import { until } from '../support/until.ts'
import type { Strike } from './strikes.ts'

type ClusterStrike = Strike<ClusterServers>

const FAILOVER_LIMIT_MS = 60_000
const REDIS_NODES = 6
const RABBITMQ_NODES = 3

const nodeStrikes = (node: (servers: ClusterServers) => Server): Record<string, ClusterStrike> => ({
  async kill({ servers }, holdMs) {
    const struck = node(servers)
    await struck.kill()
    await sleep(holdMs)
    await struck.start()
  },
  async pause({ servers }, holdMs) {
    const struck = node(servers)
    struck.pause()
    await sleep(holdMs)
    struck.resume()
  },
  async restart({ servers }) {
    const struck = node(servers)
    await struck.stop()
    await struck.start()
  },
})

/** A node that is no master is only restarted. */
const failOver =
  (node: (servers: ClusterServers) => Server): ClusterStrike =>
  async ({ servers }) => {
    const { client, nodeOf } = servers.redis
    const struck = node(servers)
    await struck.kill()
    const isMaster = () => serversOf(client).some((server) => nodeOf(server) === struck)
    await until('the replica to take over', FAILOVER_LIMIT_MS, () => !isMaster())
    await struck.start()
  }

const each = (count: number, strikesOf: (i: number) => Record<string, ClusterStrike>): Record<string, ClusterStrike> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) =>
      Object.entries(strikesOf(i)).map(([harm, strike]) => [`${harm} node ${i + 1} of`, strike] as const),
    ).flat(),
  )

/**
 * One fault of each kind of server in a round: two masters that are away at a time leave no majority, and two of the
 * three brokers neither.
 */
export const CLUSTER_STRIKES: Record<'postgres' | 'redis' | 'rabbitmq', Record<string, ClusterStrike>> = {
  // The standby is promoted when the primary's process ends, and the former primary comes back as its standby.
  postgres: Object.fromEntries(
    Object.entries(nodeStrikes(({ postgres }) => postgres.primary())).map(([harm, strike]) => [
      `${harm} the primary of`,
      strike,
    ]),
  ),
  redis: each(REDIS_NODES, (i) => {
    const node = ({ redis }: ClusterServers) => redis.nodes[i] as Server
    return { ...nodeStrikes(node), 'fail over from': failOver(node) }
  }),
  rabbitmq: each(RABBITMQ_NODES, (i) => nodeStrikes(({ rabbitmq }) => rabbitmq.nodes[i] as Server)),
}

/** A replica may take over, which has not heard of the last reservations. An orderly stop waits for it. */
export const mayForget = (harm: string) => !harm.startsWith('restart')
