import { join } from 'node:path'
import { SHARDS_MAX } from '../../core/contracts/values.ts'
import { freePort } from '../../dev/servers/ports.ts'
import { clusterUrl, formCluster, startClusterNode } from '../../dev/servers/redis-nodes.ts'
import type { Servers } from './servers.ts'

/** Of a sale, on each master in the mean: which slots they fall into is up to the sale's name. */
const SHARDS_OF_MASTER = 4

/** As many shards as a sale may have. */
export const MASTERS_MAX = SHARDS_MAX / SHARDS_OF_MASTER

export const shardsOn = (masters: number): number => masters * SHARDS_OF_MASTER

/**
 * A Redis Cluster of so many masters without replicas, which end with the other servers; one is the bench's own Redis.
 * @returns its URL
 */
export async function startMasters(count: number, { folder, onStart, redisUrl }: Servers): Promise<string> {
  if (count === 1) return redisUrl // One node of a cluster is refused.
  const ports = []
  for (let i = 0; i < count; i++) ports.push({ port: await freePort(), busPort: await freePort() })
  await Promise.all(
    ports.map((ofNode, i) =>
      startClusterNode({
        ...ofNode,
        dataDir: join(folder, `redis-${i + 1}`),
        onStart: (_, id) => onStart(`redis ${i + 1}`, id),
      }),
    ),
  )
  await formCluster(ports, count)
  return clusterUrl(ports)
}
