import { createDatabase } from '../dev/servers/postgres.ts'
import { startScratchServers } from '../dev/servers/scratch-servers.ts'
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

/** A private PostgreSQL, Redis and RabbitMQ. */
export async function startTestServers(): Promise<TestServers & { stop: () => Promise<void> }> {
  // Tests kill processes, not machines: what the kernel has is safe enough. Each of four workers runs a system whose
  // pools have some fifty connections.
  const { postgres, redis, rabbitmq, stop } = await startScratchServers({ fsync: 'off', max_connections: '400' })
  try {
    console.log(`Servers: PostgreSQL ${postgres.version}, Redis ${redis.version}, RabbitMQ ${rabbitmq.version}`)
    await migrate(await createDatabase(postgres.url, TEMPLATE))
  } catch (error) {
    await stop()
    throw error
  }
  return {
    databaseUrl: postgres.url,
    templateDatabase: TEMPLATE,
    redisUrl: redis.url,
    rabbitmqUrl: rabbitmq.url,
    managementUrl: rabbitmq.managementUrl,
    stop,
  }
}
