import { join } from 'node:path'
import { Listr, type ListrTask } from 'listr2'
import { migrate } from '../prisma/migrate.ts'
import { ensureDemo } from './demo-sale.ts'
import type { LauncherApi } from './launcher-api.ts'
import { checkNamedServers } from './named-servers.ts'
import { ensurePages } from './pages.ts'
import { yieldToLightSide } from './priority.ts'
import type { Child } from './processes.ts'
import type { RunRecord } from './run-file.ts'
import { ensureBinaries } from './servers/binaries.ts'
import { freePort } from './servers/ports.ts'
import { createDatabase, startPostgres } from './servers/postgres.ts'
import { startRabbitmq } from './servers/rabbitmq.ts'
import { startRedis } from './servers/redis.ts'
import type { RunningServer, ServerOptions, StartOptions } from './servers/running-server.ts'
import { SERVICES, startService, variable } from './services.ts'
import { Supervisor } from './supervise.ts'

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

/** Its cause comes with the end of a log, which the list would repeat at every level. */
export class NotStarted extends Error {}

export interface Outcome {
  /** None when the control room is not ours. */
  saleId?: string
}

/** All that leads from nothing to an open sale, shown as it goes: a list on a terminal, plain lines elsewhere. */
export function startTasks(plan: Plan): Listr<Outcome> {
  const { settings } = plan
  const own = [settings.REDIS_URL ? [] : ['redis' as const], settings.RABBITMQ_URL ? [] : ['rabbitmq' as const]].flat()
  const tasks = [
    step('Servers named by URL', async () => (await checkNamedServers(settings)) || 'none'),
    step('Programs', (progress) => ensureBinaries(progress, own)),
    step('Pages', ensurePages),
    group('Servers', servers(plan)),
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

type Progress = (line: string) => void
type Work = (progress: Progress, outcome: Outcome) => Promise<string | void>

/** A line of the list, which ends with what its work returns. */
function step(title: string, work: Work, skipped?: string): ListrTask<Outcome> {
  return {
    title,
    skip: () => (skipped ? `${title}: ${skipped}` : false),
    task: async (outcome, task) => {
      const progress = (line: string) => {
        task.output = line
      }
      const said = await work(progress, outcome).catch((cause: unknown) => {
        throw new NotStarted('see below', { cause })
      })
      if (said) task.title = `${title}: ${said}`
    },
  }
}

const group = (title: string, tasks: ListrTask<Outcome>[]): ListrTask<Outcome> => ({
  title,
  task: (_, task) => task.newListr(tasks, { concurrent: true }),
})

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
function database({ settings }: Plan): ListrTask<Outcome> {
  const named = settings.DATABASE_URL
  return step('Database', async () => {
    settings.DATABASE_URL = named ?? (await createDatabase(settings.DATABASE_URL ?? '', 'seckill'))
    const applied = await migrate(settings.DATABASE_URL)
    return applied.length > 0 ? `applied ${applied.join(', ')}` : 'up to date'
  })
}

function services(plan: Plan): ListrTask<Outcome>[] {
  const { folder, settings, launcherApi } = plan
  return SERVICES.map((service) => {
    const { name } = service
    const url = variable(name, 'URL')
    return step(
      name,
      async (progress) => {
        const logFile = join(folder, 'logs', `${name}.log`)
        await keep(plan, name, progress, (options) => {
          const env = name === 'control-room' ? { ...settings, ...launcherApi.env } : settings
          return startService({ ...options, service, env, logFile })
        })
        return settings[url]
      },
      process.env[url] && `${url} is given`,
    )
  })
}

/** Starts something, and keeps it running. */
async function keep<Running extends Child>(
  { supervisors, say, signal, record }: Plan,
  name: string,
  progress: Progress,
  start: (options: StartOptions) => Promise<Running>,
): Promise<Running> {
  signal.throwIfAborted()
  const onStart: StartOptions['onStart'] = (started, id) => {
    record.started(started, id)
    yieldToLightSide(started, id.pid, say)
  }
  const supervisor = new Supervisor({ name, say, start: (stop) => start({ onStart, progress, signal: stop }) })
  supervisors.push(supervisor)
  return await supervisor.start()
}
