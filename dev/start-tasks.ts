import { join } from 'node:path'
import { Listr, type ListrTask } from 'listr2'
import { migrate } from '../prisma/migrate.ts'
import { clusterServers } from './cluster-servers.ts'
import { ensureDemo } from './demo-sale.ts'
import { checkNamedServers } from './named-servers.ts'
import { ensurePages } from './pages.ts'
import { ensureBinaries } from './servers/binaries.ts'
import { freePort } from './servers/ports.ts'
import { createDatabase, startPostgres } from './servers/postgres.ts'
import { startRabbitmq } from './servers/rabbitmq.ts'
import { startRedis } from './servers/redis.ts'
import type { RunningServer, ServerOptions, StartOptions } from './servers/running-server.ts'
import { startService, variable } from './services.ts'
import { group, keep, type Outcome, type Plan, step } from './task-list.ts'

/** All that leads from nothing to an open sale, shown as it goes: a list on a terminal, plain lines elsewhere. */
export async function startTasks(plan: Plan): Promise<Listr<Outcome>> {
  const { settings } = plan
  const own = [settings.REDIS_URL ? [] : ['redis' as const], settings.RABBITMQ_URL ? [] : ['rabbitmq' as const]].flat()
  const tasks = [
    step('Servers named by URL', async () => (await checkNamedServers(settings)) || 'none'),
    step('Programs', (progress) => ensureBinaries(progress, own)),
    step('Pages', ensurePages),
    group('Servers', plan.isCluster ? await clusterServers(plan) : servers(plan)),
    database(plan),
    group('Services', services(plan)),
    step(
      'Demo sale',
      async (_, outcome) => {
        const { saleId, said } = await ensureDemo(settings.CONTROL_ROOM_URL ?? '', settings.ADMIN_TOKEN ?? '')
        outcome.saleId = saleId
        return said
      },
      process.env.CONTROL_ROOM_URL && 'the control room is not ours',
    ),
  ]
  return new Listr<Outcome>(tasks, {
    ctx: {},
    // Its own handler would end the process before anything is stopped.
    registerSignalListeners: false,
    rendererOptions: { collapseSubtasks: false, showErrorMessage: false },
  })
}

/** The ports are chosen once, so that a server that is started again is found where it was. */
function servers(plan: Plan): ListrTask<Outcome>[] {
  const { folder, settings } = plan
  const server = (
    name: string,
    urlVariable: string,
    start: (options: ServerOptions) => Promise<RunningServer>,
    port = freePort(),
  ) =>
    step(
      name,
      async (progress) => {
        const dataDir = join(folder, name.toLowerCase())
        const { url, version } = await keep(plan, name, progress, async (options) =>
          start({ ...options, dataDir, port: await port }),
        )
        settings[urlVariable] = url
        return version
      },
      settings[urlVariable] && `${urlVariable} is given`,
    )
  const management = freePort()
  return [
    server('PostgreSQL', 'DATABASE_URL', startPostgres),
    server('Redis', 'REDIS_URL', startRedis),
    server('RabbitMQ', 'RABBITMQ_URL', async (options) => {
      const broker = await startRabbitmq({ ...options, managementPort: await management })
      settings.RABBITMQ_MANAGEMENT_URL = broker.managementUrl
      return broker
    }),
  ]
}

/** Our own PostgreSQL gives us its administration's database; the services get one of their own. */
function database({ settings, isCluster }: Plan): ListrTask<Outcome> {
  const isMade = isCluster || settings.DATABASE_URL !== undefined
  return step('Database', async () => {
    const url = settings.DATABASE_URL ?? ''
    settings.DATABASE_URL = isMade ? url : await createDatabase(url, 'seckill')
    const applied = await migrate(settings.DATABASE_URL)
    return applied.length > 0 ? `applied ${applied.join(', ')}` : 'up to date'
  })
}

function services(plan: Plan): ListrTask<Outcome>[] {
  const { folder, settings, launcherApi } = plan
  return plan.services.map(({ name, of = name }) => {
    const url = variable(name, 'URL')
    return step(
      name,
      async (progress) => {
        const logFile = join(folder, 'logs', `${name}.log`)
        await keep(plan, name, progress, (options) => {
          const env = {
            ...settings,
            ...(name === 'control-room' && launcherApi.env),
            ...ownSettings(name, of, settings),
          }
          const onStart: StartOptions['onStart'] = (_, id) => options.onStart?.(name, id)
          return startService({ ...options, onStart, service: { name: of }, env, logFile })
        })
        return settings[url]
      },
      process.env[url] && `${url} is given`,
    )
  })
}

/** Of a further process of a service: its own port, and for a gateway an order service of its own. */
function ownSettings(name: string, of: string, settings: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  if (name === of) return {}
  const port = { [variable(of, 'PORT')]: settings[variable(name, 'PORT')] }
  return of === 'gateway' ? { ...port, ORDER_SERVICE_URL: settings.ORDER_SERVICE_2_URL } : port
}
