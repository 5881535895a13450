import { join } from 'node:path'
import type { ProcessId } from '../../../dev/processes.ts'
import { freePort } from '../../../dev/servers/ports.ts'
import { createDatabase, startPostgres } from '../../../dev/servers/postgres.ts'
import { type RabbitmqServer, startRabbitmq } from '../../../dev/servers/rabbitmq.ts'
import { startRedis } from '../../../dev/servers/redis.ts'
import { migrate } from '../../../prisma/migrate.ts'
import { Server } from './server.ts'

/** What a shop runs on: one server of each kind, or several. */
export interface AnyServers {
  databaseUrl: string
  redisUrl: string
  rabbitmqUrl: string
  /** Ends all faults of servers; resolves when all of them run. */
  whole: () => Promise<void>
  close: () => Promise<void>
}

export interface Servers extends AnyServers {
  postgres: Server
  redis: Server
  rabbitmq: Server<RabbitmqServer>
  /** Where Redis keeps its log. */
  redisFolder: string
}

export const SERVER_NAMES = ['postgres', 'redis', 'rabbitmq'] as const
export type ServerName = (typeof SERVER_NAMES)[number]

/** PostgreSQL (migrated), Redis and RabbitMQ in this folder. `onStart` is called at every start of each. */
export async function startServers(folder: string, onStart: (name: string, id: ProcessId) => void): Promise<Servers> {
  const redisFolder = join(folder, 'redis')
  const [postgresPort, redisPort, port, managementPort] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ]
  const starting = [
    // Only processes are killed, not the machine: data in the kernel's cache is safe.
    Server.start(() =>
      startPostgres({ dataDir: join(folder, 'postgres'), port: postgresPort, onStart, settings: { fsync: 'off' } }),
    ),
    Server.start(() => startRedis({ dataDir: redisFolder, port: redisPort, onStart })),
    Server.start(() => startRabbitmq({ dataDir: join(folder, 'rabbitmq'), port, managementPort, onStart })),
  ] as const
  try {
    const [postgres, redis, rabbitmq] = await Promise.all(starting)
    const databaseUrl = await createDatabase(postgres.running.url, 'seckill')
    await migrate(databaseUrl)
    const all = [postgres, redis, rabbitmq]
    return {
      postgres,
      redis,
      rabbitmq,
      redisFolder,
      databaseUrl,
      redisUrl: redis.running.url,
      rabbitmqUrl: rabbitmq.running.url,
      async whole() {
        for (const server of all) {
          server.resume()
          await server.start()
        }
      },
      close: async () => void (await Promise.all(all.map((server) => server.kill()))),
    }
  } catch (error) {
    // What is still starting must be there before it can be stopped.
    for (const started of await Promise.allSettled<Server>(starting))
      if (started.status === 'fulfilled') await started.value.kill()
    throw error
  }
}
