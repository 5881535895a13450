import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Child as Running, ProcessId } from '../../dev/processes.ts'
import { createDatabase, startPostgres } from '../../dev/servers/postgres.ts'
import { freePort } from '../../dev/servers/ports.ts'
import { startRabbitmq } from '../../dev/servers/rabbitmq.ts'
import { startRedis } from '../../dev/servers/redis.ts'
import { SERVICES, startService } from '../../dev/services.ts'
import { migrate } from '../../prisma/migrate.ts'
import { benchEnvironment, type GatewayName, GATEWAYS, ORDER_SPEEDS, type OrderSpeed } from './settings.ts'

/** Where things run, and who is told about each process. */
export interface Launch {
  folder: string
  onStart: (name: string, id: ProcessId) => void
}

export interface BenchSystem {
  launch: Launch
  /** The services' environment. */
  env: Record<string, string>
  /** Of PostgreSQL's administration, to make databases. */
  adminUrl: string
  gateways: Record<GatewayName, string>
  /** By the name it was started with. */
  pid: (name: string) => number
  /** Of everything that was started here. */
  pids: () => Record<string, number>
  startOrderService: (speed: OrderSpeed) => Promise<void>
  stopOrderService: () => Promise<void>
  /** What ended without being asked. */
  deaths: string[]
  stop: () => Promise<void>
}

export interface SystemOptions {
  folder: string
  record: Launch['onStart']
  say: (line: string) => void
  gatewayEnv: Record<string, string>
}

/**
 * The whole system as real processes in that folder, with the gateways the bench compares; the order service is not
 * started.
 */
export async function startSystem({ folder, record, say, gatewayEnv }: SystemOptions): Promise<BenchSystem> {
  const pids = new Map<string, number>()
  const launch: Launch = {
    folder,
    onStart: (name, id) => {
      pids.set(name, id.pid)
      record(name, id)
    },
  }
  const running: Running[] = []
  const deaths: string[] = []
  const keep = <R extends Running>(name: string, started: R): R => {
    running.push(started)
    void started.ended.then((why) => {
      if (running.includes(started)) deaths.push(`${name} (${why}), see ${started.logFile}`)
    })
    return started
  }
  const letGo = async (started: Running) => {
    running.splice(running.indexOf(started), 1)
    await started.stop()
  }
  const stop = async () => {
    for (const started of running.toReversed()) await letGo(started)
  }
  const service = async (name: string, as: string, env: Record<string, string>) => {
    say(as)
    const logFile = join(folder, 'logs', `${as.replaceAll(/\W+/g, '-')}.log`)
    return keep(
      as,
      await startService({
        service: { name },
        env,
        logFile,
        onStart: (_, id) => launch.onStart(as, id),
        signal: new AbortController().signal,
      }),
    )
  }

  try {
    await mkdir(join(folder, 'logs'), { recursive: true })
    const { env, adminUrl } = await startServers(launch, keep, say)
    for (const { name } of SERVICES) if (name !== 'gateway' && name !== 'order-service') await service(name, name, env)
    const gateways = {} as Record<GatewayName, string>
    for (const name of Object.keys(GATEWAYS) as GatewayName[]) {
      const port = await freePort()
      await service('gateway', name, { ...env, ...GATEWAYS[name], ...gatewayEnv, GATEWAY_PORT: String(port) })
      gateways[name] = `http://127.0.0.1:${port}`
    }
    let orderService: Running | undefined
    const stopOrderService = async () => {
      if (orderService) await letGo(orderService)
      orderService = undefined
    }
    return {
      launch,
      env,
      adminUrl,
      gateways,
      deaths,
      stop,
      stopOrderService,
      pid: (name) => pids.get(name) ?? 0,
      pids: () => Object.fromEntries(pids),
      startOrderService: async (speed) => {
        await stopOrderService()
        orderService = await service('order-service', 'order-service', { ...env, ...ORDER_SPEEDS[speed] })
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

type Keep = <R extends Running>(name: string, started: R) => R

/** As in production: every one of them syncs its log before it answers. */
async function startServers(
  launch: Launch,
  keep: Keep,
  say: (line: string) => void,
): Promise<{ env: Record<string, string>; adminUrl: string }> {
  const env = await benchEnvironment()
  const options = (name: string) => ({ dataDir: join(launch.folder, name), onStart: launch.onStart })
  say('PostgreSQL, Redis, RabbitMQ')
  const [postgres, redis, rabbitmq] = await Promise.all([
    startPostgres(options('postgres')).then((server) => keep('postgres', server)),
    startRedis(options('redis')).then((server) => keep('redis', server)),
    startRabbitmq({ ...options('rabbitmq'), disposable: true }).then((server) => keep('rabbitmq', server)),
  ])
  const databaseUrl = await createDatabase(postgres.url, 'seckill')
  await migrate(databaseUrl)
  return {
    adminUrl: postgres.url,
    env: { ...env, DATABASE_URL: databaseUrl, REDIS_URL: redis.url, RABBITMQ_URL: rabbitmq.url },
  }
}
