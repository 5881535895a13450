import { join } from 'node:path'
import { migrate } from '../../prisma/migrate.ts'
import { RunRecord } from '../../dev/run-file.ts'
import { makeScratchFolder, removeScratchFolder } from '../../dev/scratch-folder.ts'
import { planPostgresPair } from '../../dev/servers/postgres-pair.ts'
import { createDatabase } from '../../dev/servers/postgres.ts'
import { Server } from '../faults/support/server.ts'
import { endWithFile } from './left-behind.ts'

/** A PostgreSQL of one test file: a primary and its synchronous standby, with a migrated database. */
export interface OwnPostgresPair {
  /** DATABASE_URL with both hosts. */
  url: string
  primary: () => Server
  standby: () => Server
  /** Of the server's own database; its one host. */
  urlOf: (server: Server) => string
  /** Resumes and starts both. */
  whole: () => Promise<void>
  close: () => Promise<void>
}

export async function startOwnPostgresPair(): Promise<OwnPostgresPair> {
  const folder = await makeScratchFolder()
  const record = await RunRecord.claim(folder)
  const onStart = record.started.bind(record)
  // Only processes are killed, not the machine: data in the kernel's cache is safe.
  const pair = await planPostgresPair(join(folder, 'postgres'), { fsync: 'off' })
  const starting = pair.nodes.map((node) => Server.start(() => node.start({ onStart })))
  endWithFile(async () => {
    for (const node of await Promise.allSettled(starting)) if (node.status === 'fulfilled') await node.value.kill()
  })
  const servers = await Promise.all(starting)
  await migrate(await createDatabase(pair.primary().url, 'seckill'))
  const primaryIndex = () => pair.nodes.indexOf(pair.primary())
  return {
    url: pair.url('seckill'),
    primary: () => servers[primaryIndex()] as Server,
    standby: () => servers[1 - primaryIndex()] as Server,
    urlOf: (server) => (pair.nodes[servers.indexOf(server)]?.url ?? '').replace(/[^/]+$/, 'seckill'),
    async whole() {
      for (const server of servers) server.resume()
      await Promise.all(servers.map((server) => server.start()))
    },
    async close() {
      for (const server of [servers[1 - primaryIndex()], servers[primaryIndex()]]) await server?.kill()
      await removeScratchFolder(folder)
    },
  }
}
