import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { yieldToLightSide } from '../../dev/priority.ts'
import { sweepScratchFolders } from '../../dev/scratch-folder.ts'
import { ensureBinaries } from '../../dev/servers/binaries.ts'
import { createDatabase } from '../../dev/servers/postgres.ts'
import { type ScratchServers, startScratchServers } from '../../dev/servers/scratch-servers.ts'
import { migrate } from '../../prisma/migrate.ts'

export interface Servers extends Pick<ScratchServers, 'folder' | 'onStart' | 'stop'> {
  /** Of everything that was started, by name. */
  pids: Record<string, number>
  versions: Record<'postgres' | 'redis' | 'rabbitmq', string>
  redisUrl: string
  rabbitmqUrl: string
  managementUrl: string
  /** A database with the schema. @returns its URL */
  newDatabase: (name: string) => Promise<string>
}

/** PostgreSQL, Redis and RabbitMQ as in production: each syncs its log before it answers. */
export async function startServers(): Promise<Servers> {
  await ensureBinaries(console.error)
  await sweepScratchFolders()
  const pids: Record<string, number> = {}
  const { postgres, redis, rabbitmq, ...servers } = await startScratchServers({}, (name, { pid }) => {
    pids[name] = pid
    yieldToLightSide(name, pid, console.error)
  })
  await mkdir(join(servers.folder, 'logs'))
  return {
    ...servers,
    pids,
    versions: { postgres: postgres.version, redis: redis.version, rabbitmq: rabbitmq.version },
    redisUrl: redis.url,
    rabbitmqUrl: rabbitmq.url,
    managementUrl: rabbitmq.managementUrl,
    async newDatabase(name) {
      const url = await createDatabase(postgres.url, name)
      await migrate(url)
      return url
    },
  }
}
