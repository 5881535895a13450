import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { connectRedis, type RedisClient, redisReady, serverOf } from '../../core/platform/stores/redis.ts'
import { createLog } from '../../core/platform/process/log.ts'
import { RunRecord } from '../../dev/run-file.ts'
import { makeScratchFolder, removeScratchFolder } from '../../dev/scratch-folder.ts'
import { freePort } from '../../dev/servers/ports.ts'
import { clusterUrl, formCluster, type NodePorts, startClusterNode } from '../../dev/servers/redis-nodes.ts'
import { Server } from '../faults/support/server.ts'
import { eventually } from './eventually.ts'
import { endWithFile, noteProcess } from './left-behind.ts'

const NODES = 6
const WHOLE_LIMIT_MS = 60_000

/** Three masters and their replicas, each a process that can be killed, paused and started again. */
export interface TestCluster {
  url: string
  nodes: Server[]
  /** For faults and for looking. */
  client: RedisClient
  /** The node that a server is. */
  nodeOf: (server: Redis) => Server
  /** The master that has the key now. */
  masterOf: (key: string) => Server
  /** Starts and resumes all nodes; resolves when each takes part in the cluster. */
  whole: () => Promise<void>
  close: () => Promise<void>
}

export async function startTestCluster(): Promise<TestCluster> {
  const folder = await makeScratchFolder()
  // Or another command would take the folder of running servers for one that was left behind.
  RunRecord.ofNewFolder(folder)
  const ports: NodePorts[] = []
  for (let i = 0; i < NODES; i++) ports.push({ port: await freePort(), busPort: await freePort() })
  const nodes = await Promise.all(
    ports.map((ofNode) =>
      Server.start(() =>
        startClusterNode({
          ...ofNode,
          dataDir: join(folder, `redis-${ofNode.port}`),
          onStart: (name, id) => void noteProcess(name, id),
        }),
      ),
    ),
  )
  endWithFile(() => Promise.all(nodes.map((node) => node.kill())))
  await formCluster(ports)
  const url = clusterUrl(ports)
  const client = connectRedis(url, createLog('test', 'silent'))
  await redisReady(client)
  const nodeOf = ({ options }: Redis) => nodes[ports.findIndex(({ port }) => port === options.port)] as Server
  return {
    url,
    nodes,
    client,
    nodeOf,
    masterOf: (key) => nodeOf(serverOf(client, key)),
    async whole() {
      for (const node of nodes) node.resume()
      await Promise.all(nodes.map((node) => node.start()))
      // Formed before, so that it only waits; with new connections each time, which a node may refuse at first.
      await eventually(
        'the cluster to be whole',
        () => formCluster(ports).then(() => 'whole', String),
        (outcome) => outcome === 'whole',
        WHOLE_LIMIT_MS,
      )
    },
    async close() {
      client.disconnect()
      await Promise.all(nodes.map((node) => node.kill()))
      await removeScratchFolder(folder)
    },
  }
}
