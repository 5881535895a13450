import { join } from 'node:path'
import { RunRecord } from '../../dev/run-file.ts'
import { makeScratchFolder, removeScratchFolder } from '../../dev/scratch-folder.ts'
import { freePort } from '../../dev/servers/ports.ts'
import { sentinelUrl, startGroupMember, startSentinel } from '../../dev/servers/redis-nodes.ts'
import { Server } from '../faults/support/server.ts'
import { endWithFile, noteProcess } from './left-behind.ts'

/** Three servers, the first one the primary, and three sentinels that watch them. */
export interface TestGroup {
  url: string
  members: Server[]
  sentinels: Server[]
  close: () => Promise<void>
}

export async function startTestGroup(): Promise<TestGroup> {
  const folder = await makeScratchFolder()
  RunRecord.ofNewFolder(folder)
  const ports = await Promise.all(Array.from({ length: 6 }, () => freePort()))
  const [memberPorts, sentinelPorts] = [ports.slice(0, 3), ports.slice(3)]
  const [primaryPort = 0] = memberPorts
  const options = (port: number) => ({
    port,
    dataDir: join(folder, `redis-${port}`),
    onStart: (name: string, id: Parameters<typeof noteProcess>[1]) => void noteProcess(name, id),
  })
  const members = await Promise.all(
    memberPorts.map((port) =>
      Server.start(() => startGroupMember({ ...options(port), ...(port !== primaryPort && { primaryPort }) })),
    ),
  )
  const sentinels = await Promise.all(
    sentinelPorts.map((port) => Server.start(() => startSentinel({ ...options(port), primaryPort, quorum: 2 }))),
  )
  const servers = [...sentinels, ...members]
  const end = () => Promise.all(servers.map((server) => server.kill()))
  endWithFile(end)
  return {
    url: sentinelUrl(sentinelPorts),
    members,
    sentinels,
    async close() {
      await end()
      await removeScratchFolder(folder)
    },
  }
}
