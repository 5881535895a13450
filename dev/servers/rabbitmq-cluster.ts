import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Child } from '../processes.ts'
import { secretFile } from '../secrets.ts'
import { freePort } from './ports.ts'
import { type RabbitmqServer, startPortMapper, startRabbitmq } from './rabbitmq.ts'
import type { StartOptions } from './running-server.ts'

/** The least number of which a majority survives the loss of one. */
const NODES = 3

export interface RabbitmqNode {
  /** "rabbitmq-1" */
  name: string
  url: string
  /** On the same port and data every time. The nodes form the cluster when they first start, so start all at once. */
  start: (options?: StartOptions) => Promise<RabbitmqServer>
}

export interface RabbitmqCluster {
  nodes: RabbitmqNode[]
  /** RABBITMQ_URL of the whole cluster. */
  url: string
  /** To be started first, and stopped last. */
  startPortMapper: (options?: StartOptions) => Child
}

export interface ClusterOptions {
  /** The data is not wanted again: nodes are killed instead of stopped in order. */
  disposable?: boolean
}

/** A RabbitMQ of three nodes on loopback, with their data in this folder; ports are chosen, nothing is started. */
export async function planRabbitmqCluster(
  folder: string,
  { disposable = false }: ClusterOptions = {},
): Promise<RabbitmqCluster> {
  await mkdir(folder, { recursive: true })
  const cookie = await secretFile(join(folder, 'cookie'))
  const portMapper = await freePort()
  const names = Array.from({ length: NODES }, (_, i) => `rabbitmq-${i + 1}`)
  const nodes = names.map((name) => `${name}@localhost`)
  const planned = await Promise.all(
    names.map(async (name, i): Promise<RabbitmqNode> => {
      const [port, managementPort] = [await freePort(), await freePort()]
      return {
        name,
        url: `amqp://guest:guest@127.0.0.1:${port}`,
        start: (options = {}) =>
          startRabbitmq({
            ...options,
            onStart: (_, id) => options.onStart?.(name, id),
            dataDir: join(folder, name),
            port,
            managementPort,
            disposable,
            member: { name: nodes[i] ?? name, nodes, cookie, portMapper },
          }),
      }
    }),
  )
  return {
    nodes: planned,
    url: planned.map(({ url }) => url).join(','),
    startPortMapper: (options = {}) => startPortMapper(folder, portMapper, options),
  }
}
