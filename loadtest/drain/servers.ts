import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { RunRecord } from '../../dev/run-file.ts'
import { makeScratchFolder, removeScratchFolder, sweepScratchFolders } from '../../dev/scratch-folder.ts'
import { ensureBinaries } from '../../dev/servers/binaries.ts'
import { createDatabase, startPostgres } from '../../dev/servers/postgres.ts'
import { startRabbitmq } from '../../dev/servers/rabbitmq.ts'
import { startRedis } from '../../dev/servers/redis.ts'
import type { RunningServer } from '../../dev/servers/running-server.ts'
import { migrate } from '../../prisma/migrate.ts'

/** What the subscribers' environment needs, of a database, key prefix and virtual host of its own. */
export type Place = Record<'DATABASE_URL' | 'REDIS_URL' | 'REDIS_KEY_PREFIX' | 'RABBITMQ_URL', string>

export interface Servers {
  folder: string
  record: RunRecord
  newPlace: () => Promise<Place>
  stop: () => Promise<void>
}

/** As in production: what PostgreSQL and Redis have confirmed is on the disk. */
export async function startServers(): Promise<Servers> {
  await ensureBinaries(console.error)
  await sweepScratchFolders()
  const folder = await makeScratchFolder()
  await mkdir(join(folder, 'logs'))
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
  try {
    const postgres = keep(await startPostgres(options('postgres')))
    const redis = keep(await startRedis(options('redis')))
    const rabbitmq = keep(await startRabbitmq({ ...options('rabbitmq'), disposable: true }))
    return {
      folder,
      record,
      stop,
      async newPlace() {
        const name = `drain_${randomBytes(4).toString('hex')}`
        const databaseUrl = await createDatabase(postgres.url, name)
        await migrate(databaseUrl)
        const management = new URL(rabbitmq.managementUrl)
        const authorization = `Basic ${btoa(`${management.username}:${management.password}`)}`
        await fetch(new URL(`/api/vhosts/${name}`, management.origin), { method: 'PUT', headers: { authorization } })
        return {
          DATABASE_URL: databaseUrl,
          REDIS_URL: redis.url,
          REDIS_KEY_PREFIX: `${name}:`,
          RABBITMQ_URL: `${rabbitmq.url}/${name}`,
        }
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}
