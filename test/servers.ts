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

/**
 * A private PostgreSQL, Redis and RabbitMQ.
 * @param fsync off for tests: they kill processes, not machines, so what the kernel has is safe enough
 */
export async function startTestServers({
  fsync = 'off',
}: {
  fsync?: 'on' | 'off'
} = {}): Promise<TestServers & { stop: () => Promise<void> }> {
  // Each of four workers runs a system whose pools have some fifty connections.
  const { postgres, redis, rabbitmq, stop } = await startScratchServers({ fsync, max_connections: '400' })
  try {
    // Not on standard output: there stands what a lab found out.
    console.error(`Servers: PostgreSQL ${postgres.version}, Redis ${redis.version}, RabbitMQ ${rabbitmq.version}`)
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
