import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ListrTask } from 'listr2'
import { freePort } from './servers/ports.ts'
import { planPostgresPair } from './servers/postgres-pair.ts'
import { createDatabase } from './servers/postgres.ts'
import { planRabbitmqCluster } from './servers/rabbitmq-cluster.ts'
import { clusterUrl, formCluster, startClusterNode } from './servers/redis-nodes.ts'
import { keep, type Outcome, type Plan, step } from './task-list.ts'

const DATABASE = 'seckill'
/** Three masters, and a replica of each. */
const REDIS_NODES = 6

/**
 * The servers of `npm run cluster`: each node a process, with data apart from that of `npm start`.
 * @throws one sentence when servers are named by URL
 */
export async function clusterServers(plan: Plan): Promise<ListrTask<Outcome>[]> {
  const { settings } = plan
  const given = ['DATABASE_URL', 'REDIS_URL', 'RABBITMQ_URL'].filter((name) => settings[name])
  if (given.length > 0) throw new Error(`npm run cluster starts servers of its own: unset ${given.join(', ')}.`)
  const folder = join(plan.folder, 'cluster')
  const rabbitmq = await planRabbitmqCluster(join(folder, 'rabbitmq'))
  const postgres = await planPostgresPair(join(folder, 'postgres'))
  // Nodes keep the addresses of the others, and the ports are other ones at every start. The sales are rebuilt.
  await rm(join(folder, 'redis'), { recursive: true, force: true })
  const redis = await Promise.all(
    Array.from({ length: REDIS_NODES }, async () => ({ port: await freePort(), busPort: await freePort() })),
  )
  let redisStarted = 0
  return [
    step('epmd', async (progress) => {
      await keep(plan, 'epmd', progress, async (options) => rabbitmq.startPortMapper(options))
      settings.RABBITMQ_URL = rabbitmq.url
    }),
    ...rabbitmq.nodes.map(({ name, start }) =>
      step(name, async (progress) => {
        const { version, managementUrl } = await keep(plan, name, progress, start)
        settings.RABBITMQ_MANAGEMENT_URL ??= managementUrl
        return version
      }),
    ),
    ...postgres.nodes.map((node) =>
      step(node.name, async (progress) => {
        const { version } = await keep(plan, node.name, progress, node.start)
        if (node === postgres.primary()) await createDatabase(node.url, DATABASE)
        settings.DATABASE_URL = postgres.url(DATABASE)
        return version
      }),
    ),
    ...redis.map((ports, i) => {
      const name = `redis-${i + 1}`
      return step(name, async (progress) => {
        const { version } = await keep(plan, name, progress, (options) =>
          startClusterNode({ ...options, ...ports, dataDir: join(folder, 'redis', name) }),
        )
        redisStarted += 1
        if (redisStarted === REDIS_NODES) await formCluster(redis)
        settings.REDIS_URL = clusterUrl(redis)
        return version
      })
    }),
  ]
}
