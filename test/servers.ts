import { join } from 'node:path'
import { RunRecord } from '../dev/run-file.ts'
import { makeScratchFolder, removeScratchFolder } from '../dev/scratch-folder.ts'
import { createDatabase, startPostgres } from '../dev/servers/postgres.ts'
import { startRabbitmq } from '../dev/servers/rabbitmq.ts'
import { startRedis } from '../dev/servers/redis.ts'
import type { RunningServer } from '../dev/servers/running-server.ts'
import { migrate } from '../prisma/migrate.ts'

/** Where tests find what they make their own worlds from. */
export interface TestServers {
  /** Of a database to make others from: connect, `CREATE DATABASE x TEMPLATE <templateDatabase>`. */
  databaseUrl: string
  /** A migrated database without rows. Nobody may connect to it, or it cannot be copied. */
  templateDatabase: string
  redisUrl: string
  rabbitmqUrl: string
  /** Of RabbitMQ's management API, with user and password. */
  managementUrl: string
}

const TEMPLATE = 'seckill_template'

/**
 * A private PostgreSQL, Redis and RabbitMQ in a fresh folder: they may run beside a `npm start`.
 * @param fsync Tests kill processes, not machines: for them it is safe enough what the kernel has.
 */
export async function startTestServers({
  fsync = 'off',
}: {
  fsync?: 'on' | 'off'
} = {}): Promise<TestServers & { stop: () => Promise<void> }> {
  const folder = await makeScratchFolder()
  const record = await RunRecord.claim(folder)
  const running: RunningServer[] = []
  const stop = async () => {
    await Promise.all(running.map((server) => server.stop()))
    await removeScratchFolder(folder)
  }
  const keep = <Server extends RunningServer>(server: Server) => {
    running.push(server)
    return server
  }
  const options = (name: string) => ({ dataDir: join(folder, name), onStart: record.started.bind(record) })

  const starting = [
    // Each of four workers runs a system whose pools have some fifty connections.
    startPostgres({ ...options('postgres'), settings: { fsync, max_connections: '400' } }).then(keep),
    startRedis(options('redis')).then(keep),
    startRabbitmq({ ...options('rabbitmq'), disposable: true }).then(keep),
  ] as const
  try {
    const [postgres, redis, rabbitmq] = await Promise.all(starting)
    console.error(`Servers: PostgreSQL ${postgres.version}, Redis ${redis.version}, RabbitMQ ${rabbitmq.version}`)
    await migrate(await createDatabase(postgres.url, TEMPLATE))
    return {
      databaseUrl: postgres.url,
      templateDatabase: TEMPLATE,
      redisUrl: redis.url,
      rabbitmqUrl: rabbitmq.url,
      managementUrl: rabbitmq.managementUrl,
      stop,
    }
  } catch (error) {
    await Promise.allSettled(starting) // What is still starting must be there before it can be stopped.
    await stop()
    throw error
  }
}
