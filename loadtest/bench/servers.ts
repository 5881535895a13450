import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ProcessId } from '../../dev/processes.ts'
import { yieldToLightSide } from '../../dev/priority.ts'
import { RunRecord } from '../../dev/run-file.ts'
import { makeScratchFolder, removeScratchFolder, sweepScratchFolders } from '../../dev/scratch-folder.ts'
import { ensureBinaries } from '../../dev/servers/binaries.ts'
import { createDatabase, startPostgres } from '../../dev/servers/postgres.ts'
import { startRabbitmq } from '../../dev/servers/rabbitmq.ts'
import { startRedis } from '../../dev/servers/redis.ts'
import type { RunningServer } from '../../dev/servers/running-server.ts'
import { migrate } from '../../prisma/migrate.ts'

export interface Servers {
  folder: string
  /** Of everything that was started, by name. */
  pids: Record<string, number>
  onStart: (name: string, id: ProcessId) => void
  versions: Record<'postgres' | 'redis' | 'rabbitmq', string>
  redisUrl: string
  rabbitmqUrl: string
  managementUrl: string
  /** A database with the schema. @returns its URL */
  newDatabase: (name: string) => Promise<string>
  stop: () => Promise<void>
}

/** PostgreSQL, Redis and RabbitMQ in a scratch folder, as in production: each syncs its log before it answers. */
export async function startServers(): Promise<Servers> {
  await ensureBinaries(console.error)
  await sweepScratchFolders()
  const folder = await makeScratchFolder()
  const record = await RunRecord.claim(folder)
  const running: RunningServer[] = []
  const stop = async () => {
    await Promise.all(running.map((server) => server.stop()))
    // What a measure had started when it failed.
    record.killAll()
    await removeScratchFolder(folder)
  }
  const pids: Record<string, number> = {}
  const onStart = (name: string, id: ProcessId) => {
    pids[name] = id.pid
    record.started(name, id)
    yieldToLightSide(name, id.pid, console.error)
  }
  const keep = <Server extends RunningServer>(server: Server) => {
    running.push(server)
    return server
  }
  const options = (name: string) => ({ dataDir: join(folder, name), onStart })
  try {
    await mkdir(join(folder, 'logs'))
    const [postgres, redis, rabbitmq] = await Promise.all([
      startPostgres(options('postgres')).then(keep),
      startRedis(options('redis')).then(keep),
      startRabbitmq({ ...options('rabbitmq'), disposable: true }).then(keep),
    ])
    return {
      folder,
      pids,
      onStart,
      stop,
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
  } catch (error) {
    await stop()
    throw error
  }
}
