import { join } from 'node:path'
import { Listr, type ListrTask } from 'listr2'
import { migrate } from '../prisma/migrate.ts'
import { ensureDemo } from './demo-sale.ts'
import { checkNamedServers, isAnyServerNamed } from './named-servers/check.ts'
import type { LauncherApi } from './launcher-api.ts'
import { ensurePages } from './pages.ts'
import type { RunRecord } from './run-file.ts'
import { ensureBinaries, type InstalledServer } from './servers/binaries.ts'
import { freePort } from './servers/ports.ts'
import { createDatabase, startPostgres } from './servers/postgres.ts'
import { startRabbitmq } from './servers/rabbitmq.ts'
import { startRedis } from './servers/redis.ts'
import type { RunningServer, ServerOptions } from './servers/running-server.ts'
import { SERVICES, type Service, startService, variable } from './services.ts'
import { type Running, Supervisor } from './supervise.ts'

export interface Plan {
  folder: string
  /** The services' environment. The tasks add the servers' URLs. */
  settings: NodeJS.ProcessEnv
  /** Only the control room gets its URL and token. */
  launcherApi: Pick<LauncherApi, 'env'>
  record: RunRecord
  /** What the tasks start is added here, the moment before it starts. */
  supervisors: Supervisor[]
  say: (line: string) => void
  /** No task starts anything more once it aborts. */
  signal: AbortSignal
}

/** Its cause comes with the tail of a log, which the list would repeat at every level. */
export class NotStarted extends Error {}

export interface Outcome {
  /** None when the control room is not ours. */
  saleId?: string
}

/** All that leads from nothing to an open sale, shown as it goes: a list on a terminal, plain lines elsewhere. */
export function startTasks(plan: Plan): Listr<Outcome> {
  const tasks = [
    namedServers(plan),
    programs(plan),
    pages(),
    servers(plan),
    database(plan),
    services(plan),
    demoSale(plan),
  ]
  return new Listr<Outcome>(tasks, {
    ctx: {},
    // Its own handler would end the process before anything is stopped.
    registerSignalListeners: false,
    rendererOptions: { collapseSubtasks: false, showErrorMessage: false },
  })
}

function namedServers({ settings, say, signal }: Plan): ListrTask<Outcome> {
  return {
    title: 'Servers named by URL',
    enabled: () => isAnyServerNamed(settings),
    task: async (_, task) => {
      const progress = (line: string) => {
        task.output = line
      }
      const checking = { signal, progress, warn: (sentence: string) => say(`Warning: ${sentence}`) }
      const versions = await checkNamedServers(settings, checking).catch((cause: unknown) => {
        throw new NotStarted('see below', { cause })
      })
      task.title = `Servers named by URL: ${versions}`
    },
  }
}

function programs({ settings }: Plan): ListrTask<Outcome> {
  return {
    title: 'Programs',
    task: async (_, task) => {
      const ours: InstalledServer[] = [
        ...(settings.REDIS_URL ? [] : ['redis' as const]),
        ...(settings.RABBITMQ_URL ? [] : ['rabbitmq' as const]),
      ]
      await ensureBinaries((line) => {
        task.output = line
      }, ours)
    },
  }
}

function pages(): ListrTask<Outcome> {
  return {
    title: 'Pages',
    task: (_, task) =>
      ensurePages((line) => {
        task.output = line
      }),
  }
}

function servers(plan: Plan): ListrTask<Outcome> {
  const port = { redis: freePort(), postgres: freePort(), rabbitmq: freePort(), management: freePort() }
  return {
    title: 'Servers',
    task: (_, task) =>
      task.newListr(
        [
          server(
            plan,
            'PostgreSQL',
            'DATABASE_URL',
            async (options) => await startPostgres({ ...options, port: await port.postgres }),
          ),
          server(
            plan,
            'Redis',
            'REDIS_URL',
            async (options) => await startRedis({ ...options, port: await port.redis }),
          ),
          server(plan, 'RabbitMQ', 'RABBITMQ_URL', async (options) => {
            const broker = await startRabbitmq({
              ...options,
              port: await port.rabbitmq,
              managementPort: await port.management,
            })
            plan.settings.RABBITMQ_MANAGEMENT_URL = broker.managementUrl
            return broker
          }),
        ],
        { concurrent: true },
      ),
  }
}

/** The ports are chosen once, so that a server that is started again is found where it was. */
function server(
  plan: Plan,
  title: string,
  urlVariable: string,
  start: (options: ServerOptions) => Promise<RunningServer>,
): ListrTask<Outcome> {
  const { folder, settings, record } = plan
  return {
    title,
    skip: () => (settings[urlVariable] ? `${title}: ${urlVariable} is given` : false),
    task: async (_, task) => {
      const progress = (line: string) => {
        task.output = line
      }
      const { url, version } = await keep(plan, title, (signal) =>
        start({ dataDir: join(folder, title.toLowerCase()), onStart: record.started.bind(record), signal, progress }),
      )
      settings[urlVariable] = url
      task.title = `${title} ${version}`
    },
  }
}

/** Our own PostgreSQL gives us its administration's database; the services get one of their own. */
function database({ settings }: Plan): ListrTask<Outcome> {
  const named = settings.DATABASE_URL
  return {
    title: 'Database',
    task: async (_, task) => {
      const url = named ?? (await createDatabase(settings.DATABASE_URL ?? '', 'seckill'))
      settings.DATABASE_URL = url
      const applied = await migrate(url)
      task.title = applied.length > 0 ? `Database: applied ${applied.join(', ')}` : 'Database: up to date'
    },
  }
}

function services(plan: Plan): ListrTask<Outcome> {
  return {
    title: 'Services',
    task: (_, task) =>
      task.newListr(
        SERVICES.map((service) => serviceTask(plan, service)),
        { concurrent: true },
      ),
  }
}

function serviceTask(plan: Plan, service: Service): ListrTask<Outcome> {
  const { folder, settings, launcherApi, record } = plan
  const { name } = service
  const url = variable(name, 'URL')
  let again = false
  return {
    title: name,
    skip: () => (process.env[url] ? `${name}: ${url} is given` : false),
    task: async (_, task) => {
      const progress = (line: string) => {
        task.output = line
      }
      await keep(plan, name, async (signal) => {
        const env = name === 'control-room' ? { ...settings, ...launcherApi.env } : settings
        const options = {
          service,
          env,
          logFile: join(folder, 'logs', `${name}.log`),
          again,
          onStart: record.started.bind(record),
          signal,
          progress,
        }
        again = true
        return await startService(options)
      })
      task.title = `${name}: ${settings[url]}`
    },
  }
}

function demoSale({ settings }: Plan): ListrTask<Outcome> {
  return {
    title: 'Demo sale',
    skip: () => (process.env.CONTROL_ROOM_URL ? 'Demo sale: the control room is not ours' : false),
    task: async (outcome, task) => {
      const { saleId, said } = await ensureDemo(settings.CONTROL_ROOM_URL ?? '', settings.ADMIN_TOKEN ?? '')
      outcome.saleId = saleId
      task.title = `Demo sale: ${said}`
    },
  }
}

async function keep<R extends Running>(
  { supervisors, say, signal }: Plan,
  name: string,
  start: (signal: AbortSignal) => Promise<R>,
): Promise<R> {
  signal.throwIfAborted()
  const supervisor = new Supervisor({ name, start, say })
  supervisors.push(supervisor)
  return await supervisor.start().catch((cause: unknown) => {
    throw new NotStarted('see below', { cause })
  })
}
