import { join } from 'node:path'
import type {} from 'vitest'
import type { TestProject } from 'vitest/node'
import { RunRecord } from '../dev/run-file.ts'
import { createDatabase, startPostgres } from '../dev/servers/postgres.ts'
import { startRabbitmq } from '../dev/servers/rabbitmq.ts'
import { startRedis } from '../dev/servers/redis.ts'
import type { RunningServer } from '../dev/servers/running-server.ts'
import { makeScratchFolder, removeScratchFolder } from '../dev/scratch-folder.ts'
import { migrate } from '../prisma/migrate.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Of a database to make others from: connect, `CREATE DATABASE x TEMPLATE <templateDatabase>`. */
    databaseUrl: string
    /** A migrated database without rows. Nobody may connect to it, or it cannot be copied. */
    templateDatabase: string
    redisUrl: string
    rabbitmqUrl: string
    /** Of RabbitMQ's management API, with user and password. */
    managementUrl: string
  }
}

const TEMPLATE = 'seckill_template'

/** One private PostgreSQL, Redis and RabbitMQ for the whole run, in a fresh folder: it may run beside a `npm start`. */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const folder = await makeScratchFolder()
  const record = await RunRecord.claim(folder)
  const running: RunningServer[] = []
  const teardown = async () => {
    try {
      await Promise.all(running.map((server) => server.stop()))
      await removeScratchFolder(folder)
    } catch (error) {
      process.exitCode = 1 // vitest only prints what a teardown throws, and ends well.
      throw error
    }
  }
  const keep = <Server extends RunningServer>(server: Server) => { running.push(server); return server }
  const options = (name: string) => ({ dataDir: join(folder, name), onStart: record.started.bind(record) })

  const starting = [
    // Tests kill processes, not machines: what the kernel has is safe enough.
    startPostgres({ ...options('postgres'), settings: { fsync: 'off' } }).then(keep),
    startRedis(options('redis')).then(keep),
    startRabbitmq({ ...options('rabbitmq'), disposable: true }).then(keep),
  ] as const
  try {
    const [postgres, redis, rabbitmq] = await Promise.all(starting)
    await migrate(await createDatabase(postgres.url, TEMPLATE))
    provide('databaseUrl', postgres.url)
    provide('templateDatabase', TEMPLATE)
    provide('redisUrl', redis.url)
    provide('rabbitmqUrl', rabbitmq.url)
    provide('managementUrl', rabbitmq.managementUrl)
    return teardown
  } catch (error) {
    await Promise.allSettled(starting) // What is still starting must be there before it can be stopped.
    await teardown()
    throw error
  }
}
