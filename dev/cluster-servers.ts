import { join } from 'node:path'
import type { ListrTask } from 'listr2'
import { freePort } from './servers/ports.ts'
import { planPostgresPair } from './servers/postgres-pair.ts'
import { createDatabase } from './servers/postgres.ts'
import { planRabbitmqCluster } from './servers/rabbitmq-cluster.ts'
import { startRedis } from './servers/redis.ts'
import { keep, type Outcome, type Plan, step } from './task-list.ts'

const DATABASE = 'seckill'

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
  const redisPort = await freePort()
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
    step('redis', async (progress) => {
      const { url, version } = await keep(plan, 'redis', progress, (options) =>
        startRedis({ ...options, dataDir: join(folder, 'redis'), port: redisPort }),
      )
      settings.REDIS_URL = url
      return version
    }),
  ]
}
