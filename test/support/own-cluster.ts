import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { RunRecord } from '../../dev/run-file.ts'
import { makeScratchFolder, removeScratchFolder } from '../../dev/scratch-folder.ts'
import { pathOf } from '../../dev/servers/binaries.ts'
import { planRabbitmqCluster } from '../../dev/servers/rabbitmq-cluster.ts'
import type { RabbitmqServer } from '../../dev/servers/rabbitmq.ts'
import { Server } from '../faults/support/server.ts'
import { eventually } from './eventually.ts'
import { endWithFile } from './left-behind.ts'
import { stretched } from './patience.ts'

/** A RabbitMQ of three nodes of one test file. */
export interface OwnCluster {
  /** RABBITMQ_URL of all nodes. */
  url: string
  nodes: Node[]
  /** Waits until the queue has one, not the other. */
  leaderOf: (queue: string, other?: Node) => Promise<Node>
  /** The node that a connection of this name is to. Waits until it is to one, not to the other. */
  connectedBy: (connectionName: string, other?: Node) => Promise<Node>
  /** Cuts the node off from the other two, which cannot connect to it, nor it to them; all three run on. */
  isolate: (node: Node) => Promise<void>
  /** None while no node answers. */
  queues: () => Promise<QueueMembers[]>
  /** Restores all nodes; resolves when each queue has three members that are up. */
  whole: () => Promise<void>
  close: () => Promise<void>
}

export interface QueueMembers {
  name: string
  leader: string
  members: string[]
  online: string[]
}

interface Connection {
  node: string
  client_properties: { connection_name?: string }
}

type Node = Server<RabbitmqServer>

/** Some 15 s until a paused node counts as gone, and a start of RabbitMQ. */
const LIMIT_MS = 60_000

const theNode = async (what: string, find: () => Promise<Node | undefined>, other?: Node): Promise<Node> =>
  (await eventually(what, find, (found) => found !== undefined && found !== other, LIMIT_MS)) as Node

export async function startOwnCluster(): Promise<OwnCluster> {
  const folder = await makeScratchFolder()
  const record = await RunRecord.claim(folder)
  const onStart = record.started.bind(record)
  const cluster = await planRabbitmqCluster(join(folder, 'rabbitmq'), { disposable: true })
  const mapper = cluster.startPortMapper({ onStart })
  const starting = cluster.nodes.map((node) => Server.start(() => node.start({ onStart })))
  endWithFile(async () => {
    for (const node of await Promise.allSettled(starting)) if (node.status === 'fulfilled') await node.value.kill()
    await mapper.stop()
  })
  const nodes = await Promise.all(starting)

  /** From any node that answers, which none does for a while after one was paused; then nothing. */
  async function ask<T>(path: string): Promise<T[]> {
    const answers = nodes.map(async (node) => {
      const { origin } = new URL(node.running.managementUrl)
      const answer = await fetch(`${origin}/api/${path}`, {
        headers: { authorization: `Basic ${btoa('guest:guest')}` },
        signal: AbortSignal.timeout(stretched(5_000)),
      })
      if (!answer.ok) throw new Error(`${path}: ${answer.status}`)
      return (await answer.json()) as T[]
    })
    return await Promise.any(answers).catch(() => [])
  }
  /** "rabbitmq-2@localhost" is the second. */
  const nodeNamed = (name = '') => nodes[Number(/\d+(?=@)/.exec(name)?.[0]) - 1]
  const queues = () => ask<QueueMembers>('queues?columns=name,leader,members,online')

  let rejoin = async () => {}
  /** Nodes connect to each other only when each knows the other's cookie. */
  async function isolate(node: Node): Promise<void> {
    const { env } = node.running
    const others = nodes.filter((other) => other !== node).map((other) => `'${other.running.env.RABBITMQ_NODENAME}'`)
    const setCookies = async (cookie: string) => {
      const set = `[begin erlang:set_cookie(N, ${cookie}), erlang:disconnect_node(N) end || N <- [${others.join()}]].`
      await execa(join(dirname(pathOf('rabbitmq')), 'rabbitmqctl'), ['eval', set], { env, extendEnv: false })
    }
    rejoin = () => setCookies('erlang:get_cookie()')
    await setCookies('another')
  }

  return {
    url: cluster.url,
    nodes,
    queues,
    leaderOf: (queue, other) =>
      theNode(
        `a leader of ${queue}`,
        async () => nodeNamed((await queues()).find(({ name }) => name === queue)?.leader),
        other,
      ),
    connectedBy: (name, other) =>
      theNode(
        `a connection of ${name}`,
        async () => {
          const connections = await ask<Connection>('connections?columns=node,client_properties.connection_name')
          return nodeNamed(connections.find((one) => one.client_properties.connection_name === name)?.node)
        },
        other,
      ),
    isolate,
    async whole() {
      await rejoin()
      rejoin = async () => {}
      for (const node of nodes) node.resume()
      await Promise.all(nodes.map((node) => node.start()))
      await eventually(
        'every queue to have three members that are up',
        queues,
        (all) => all.length > 0 && all.every(({ online }) => online?.length === nodes.length),
        LIMIT_MS,
      )
    },
    async close() {
      await Promise.all(nodes.map((node) => node.kill()))
      await mapper.stop()
      await removeScratchFolder(folder)
    },
  }
}
