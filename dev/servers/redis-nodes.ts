import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { launchRedis, startRedis } from './redis.ts'
import type { RunningServer, ServerOptions } from './running-server.ts'

/** What a node is on: its port for clients and, in a cluster, the one for the other nodes. */
export interface NodePorts {
  port: number
  busPort: number
}

const SLOTS = 16_384
const HOST = '127.0.0.1'
const FORMING_LIMIT_MS = 120_000
/**
 * A replica takes over once its master was away for this long; a master in a minority stops after it. Nodes of a busy
 * machine answer late.
 */
const NODE_TIMEOUT_MS = 5_000
const SENTINEL_GROUP = 'seckill'

type NodeOptions = Omit<ServerOptions, 'port'> & { port: number }

/**
 * One node of a cluster. It knows the others once `formCluster` has run, also when it is started again. Without
 * min-replicas-to-write: a master that the majority does not reach stops by itself, and one whose replica is away goes
 * on.
 */
export async function startClusterNode({ busPort, ...options }: NodeOptions & NodePorts): Promise<RunningServer> {
  return startRedis({
    ...named(options),
    settings: {
      ...REPLICATED,
      'cluster-enabled': 'yes',
      'cluster-port': String(busPort),
      'cluster-node-timeout': String(NODE_TIMEOUT_MS),
      // A master that is away closes its sales, and not those of the others.
      'cluster-require-full-coverage': 'no',
    },
  })
}

/** A server that may be the primary or a replica of a group that sentinels watch. */
export async function startGroupMember({
  primaryPort,
  ...options
}: NodeOptions & { primaryPort?: number }): Promise<RunningServer> {
  return startRedis({
    ...named(options),
    settings: {
      ...REPLICATED,
      // A primary that no replica hears of stops selling: another may have taken over.
      'min-replicas-to-write': '1',
      'min-replicas-max-lag': '5',
      ...(primaryPort !== undefined && { replicaof: `${HOST} ${primaryPort}` }),
    },
  })
}

/**
 * A new replication id closes the sales (core/stock/server-run.ts): none because the replicas were away for an hour.
 */
const REPLICATED = { 'repl-backlog-ttl': '0', 'repl-diskless-sync-delay': '0' }

/** A sentinel that watches the group, whose primary is on that port when it starts for the first time. */
export async function startSentinel({
  primaryPort,
  quorum,
  ...options
}: NodeOptions & { primaryPort: number; quorum: number }): Promise<RunningServer> {
  const { dataDir, port } = options
  const file = join(dataDir, 'sentinel.conf')
  await mkdir(dataDir, { recursive: true })
  // Sentinels write what they learn into this file.
  await writeFile(file, sentinelSettings(port, dataDir, primaryPort, quorum), { flag: 'wx' }).catch(ifThere)
  return launchRedis([file, '--sentinel'], port, named(options))
}

const sentinelSettings = (port: number, dataDir: string, primaryPort: number, quorum: number) => `
bind ${HOST}
port ${port}
dir ${dataDir}
sentinel monitor ${SENTINEL_GROUP} ${HOST} ${primaryPort} ${quorum}
sentinel down-after-milliseconds ${SENTINEL_GROUP} ${NODE_TIMEOUT_MS}
sentinel failover-timeout ${SENTINEL_GROUP} 20000
`

function ifThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}

/** So that records of several processes differ. */
const named = <Options extends NodeOptions>(options: Options): Options => ({
  ...options,
  onStart: (_, id) => options.onStart?.(`redis-${options.port}`, id),
})

export const clusterUrl = (nodes: NodePorts[]) => `redis://${nodes.map(({ port }) => `${HOST}:${port}`).join()}`
export const sentinelUrl = (ports: number[]) =>
  `redis+sentinel://${ports.map((port) => `${HOST}:${port}`).join()}/${SENTINEL_GROUP}`

/**
 * Makes a cluster of nodes that run: the first ones are masters with equal shares of the slots, half of all when left
 * out, the others their replicas, in this order. A cluster that was formed before is left as it is.
 * @returns when all of it works
 */
export async function formCluster(nodes: NodePorts[], mastersCount = nodes.length / 2): Promise<void> {
  const connections = nodes.map(({ port }) => new Redis(port, HOST))
  for (const connection of connections) connection.on('error', () => {}) // A command that fails says the same.
  try {
    const [first] = connections as [Redis]
    if (!(await isFormed(first))) await introduce(connections, nodes, mastersCount)
    await until('the cluster to work', connections, async (node) => {
      const [cluster, replication] = [await node.cluster('INFO'), await node.info('replication')]
      return /^cluster_state:ok/m.test(cluster) && !/^master_link_status:down/m.test(replication)
    })
  } finally {
    for (const connection of connections) connection.disconnect()
  }
}

const isFormed = async (node: Redis) => /^cluster_slots_assigned:[1-9]/m.test(await node.cluster('INFO'))

async function introduce(connections: Redis[], nodes: NodePorts[], mastersCount: number): Promise<void> {
  const masters = connections.slice(0, mastersCount)
  const firstSlot = (i: number) => Math.floor((i * SLOTS) / masters.length)
  for (const [i, node] of connections.entries()) await node.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1)
  for (const [i, node] of masters.entries())
    await node.call('CLUSTER', 'ADDSLOTSRANGE', firstSlot(i), firstSlot(i + 1) - 1)
  const [first] = connections as [Redis]
  for (const { port, busPort } of nodes.slice(1)) await first.call('CLUSTER', 'MEET', HOST, port, busPort)
  await until('the nodes to know each other', connections, async (node) => {
    const known = (await node.cluster('INFO')).match(/^cluster_known_nodes:(\d+)/m)?.[1]
    return Number(known) === nodes.length
  })
  const ids = await Promise.all(masters.map((node) => node.call('CLUSTER', 'MYID') as Promise<string>))
  for (const [i, replica] of connections.slice(masters.length).entries())
    await replica.call('CLUSTER', 'REPLICATE', ids[i] ?? '')
}

async function until(what: string, nodes: Redis[], isSo: (node: Redis) => Promise<boolean>): Promise<void> {
  const endMs = Date.now() + FORMING_LIMIT_MS
  while (!(await Promise.all(nodes.map(isSo))).every(Boolean)) {
    if (Date.now() > endMs) throw new Error(`Waited ${FORMING_LIMIT_MS / 1_000} s for ${what}`)
    await sleep(100)
  }
}
