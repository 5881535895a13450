import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from 'amqplib'
import { type Child, startChild } from '../processes.ts'
import { secretFile } from '../secrets.ts'
import { pathOf, rabbitmqVersion } from './binaries.ts'
import { checkRabbitmqData, markRabbitmqData } from './data-version.ts'
import { freePort } from './ports.ts'
import { waitUntilReady } from './ready.ts'
import type { RunningServer, ServerOptions, StartOptions } from './running-server.ts'

const STOP_LIMIT_MS = 30_000
const MAPPER_STOP_LIMIT_MS = 3_000
const PLUGINS = ['rabbitmq_management', 'rabbitmq_consistent_hash_exchange']

export interface RabbitmqOptions extends ServerOptions {
  /** Its data is not wanted again: kill it at once instead of the 6 s that an orderly stop takes. */
  disposable?: boolean
  /** Of the management API. Default: a free port. */
  managementPort?: number
  /** Default: those that the system needs. */
  plugins?: string[]
  /** Default: a node on its own. */
  member?: ClusterMember
}

/** What a node of a cluster shares with the others. */
export interface ClusterMember {
  /** Of this node: "seckill-1@localhost". */
  name: string
  /** Names of all nodes, this one included. */
  nodes: string[]
  /** Nodes admit each other by it. */
  cookie: string
  /** Port of the port mapper that they share. */
  portMapper: number
}

export interface RabbitmqServer extends RunningServer {
  /** Of the management API and pages; the user is `guest`, from this machine only. */
  managementUrl: string
  /** For its command line tools. */
  env: NodeJS.ProcessEnv
}

/** A node that is silent for as long counts as gone; 60 by default, which is how long its queues stand still. */
const SILENT_NODE_SECONDS = 15
/** Part of the names of its data files. */
const RABBITMQ_NODE = 'seckill@localhost'

interface Ports {
  amqp: number
  management: number
  /** Between Erlang nodes; only the command line tools use it here. */
  distribution: number
  portMapper: number
}

/** A private broker on loopback: one node, with a port mapper (epmd) of its own that stops with it. */
export async function startRabbitmq({
  dataDir,
  port,
  onStart,
  signal,
  progress,
  managementPort,
  disposable,
  plugins = PLUGINS,
  member,
}: RabbitmqOptions): Promise<RabbitmqServer> {
  const ports: Ports = {
    amqp: port ?? (await freePort()),
    management: managementPort ?? (await freePort()),
    distribution: await freePort(),
    portMapper: member?.portMapper ?? (await freePort()),
  }
  const script = pathOf('rabbitmq')
  await checkRabbitmqData(dataDir, rabbitmqVersion(script))
  const env = await writeSettings(dataDir, ports, plugins, member)
  const mapper = member ? undefined : startPortMapper(dataDir, ports.portMapper, { onStart })
  try {
    const node = startChild({
      command: script,
      args: [],
      logFile: join(dataDir, 'rabbitmq.log'),
      env,
      cwd: dataDir,
      stopSignal: disposable ? 'SIGKILL' : 'SIGTERM',
      graceMs: STOP_LIMIT_MS,
    })
    onStart?.('rabbitmq', node)
    const ended = node.ended.then(async (why) => {
      await mapper?.stop()
      return why
    })
    let version = ''
    const isReady = async () => (version = await versionAt(ports)) !== ''
    await waitUntilReady(isReady, { name: 'RabbitMQ', child: node, signal, progress })
    await markRabbitmqData(dataDir, version)
    return {
      ...node,
      version,
      url: `amqp://guest:guest@127.0.0.1:${ports.amqp}`,
      managementUrl: `http://guest:guest@127.0.0.1:${ports.management}`,
      env,
      ended,
      stop: async () => {
        await node.stop()
        await ended
      },
    }
  } catch (error) {
    await mapper?.stop()
    throw error
  }
}

/** A node would start its port mapper (epmd) itself, but in the background, and never stop it. */
export function startPortMapper(folder: string, port: number, { onStart }: Pick<StartOptions, 'onStart'>): Child {
  const mapper = startChild({
    command: pathOf('epmd'),
    args: ['-port', String(port), '-address', '127.0.0.1'],
    logFile: join(folder, 'epmd.log'),
    env: inheritedEnvironment(),
    graceMs: MAPPER_STOP_LIMIT_MS,
  })
  onStart?.('epmd', mapper)
  return mapper
}

const inheritedEnvironment = () =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(RABBITMQ_|ERL_)/.test(name)))

/** @returns the environment for the server's script; nothing of the machine's own RabbitMQ is read or written. */
async function writeSettings(
  dataDir: string,
  ports: Ports,
  plugins: string[],
  member: ClusterMember | undefined,
): Promise<NodeJS.ProcessEnv> {
  const inside = (name: string) => join(dataDir, name)
  await mkdir(dataDir, { recursive: true })
  await writeCookie(inside('.erlang.cookie'), member?.cookie)
  await writeFile(inside('enabled_plugins'), `[${plugins.join(',')}].\n`)
  await writeFile(
    inside('rabbitmq.conf'),
    [
      `listeners.tcp.default = 127.0.0.1:${ports.amqp}`,
      'management.tcp.ip = 127.0.0.1',
      `management.tcp.port = ${ports.management}`,
      'log.console = true',
      'log.file = false',
      ...(member ? clusterSettings(member) : []),
      '',
    ].join('\n'),
  )
  return {
    ...inheritedEnvironment(),
    LANG: 'C.UTF-8',
    HOME: dataDir, // Where Erlang looks for the cookie.
    ERL_EPMD_PORT: String(ports.portMapper),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: member?.name ?? RABBITMQ_NODE,
    RABBITMQ_DIST_PORT: String(ports.distribution),
    RABBITMQ_CONFIG_FILE: inside('rabbitmq.conf'),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_ENABLED_PLUGINS_FILE: inside('enabled_plugins'),
    RABBITMQ_MNESIA_BASE: inside('mnesia'),
    RABBITMQ_LOG_BASE: dataDir,
    RABBITMQ_PID_FILE: inside('pid'),
    // The script then becomes the server (exec) instead of waiting beside it: our child's pid is the server's.
    RUNNING_UNDER_SYSTEMD: 'true',
    // Loopback only, and no busy waiting: an idle broker should cost an idle machine nothing.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: [
      '-kernel inet_dist_use_interface {127,0,0,1}',
      ...(member ? [`-kernel net_ticktime ${SILENT_NODE_SECONDS}`] : []),
      '+sbwt none +sbwtdcpu none +sbwtdio none',
    ].join(' '),
  }
}

async function writeCookie(file: string, cookie: string | undefined): Promise<void> {
  if (cookie !== undefined) {
    await rm(file, { force: true }) // Read-only since its first start.
    await writeFile(file, cookie)
  } else await secretFile(file)
  await chmod(file, 0o400)
}

const clusterSettings = ({ nodes }: ClusterMember) => [
  'cluster_formation.peer_discovery_backend = classic_config',
  ...nodes.map((node, i) => `cluster_formation.classic_config.nodes.${i + 1} = ${node}`),
  // A minority refuses clients until it has rejoined: what it took meanwhile would be lost.
  'cluster_partition_handling = pause_minority',
  // By default the leader of a queue is on the node of the connection that declares it: on one node, for all queues.
  'queue_leader_locator = balanced',
]

/** The listener opens last, after the plugins; the management API may still need a moment. */
async function versionAt({ amqp, management }: Ports): Promise<string> {
  const connection = await connect(`amqp://127.0.0.1:${amqp}`, { timeout: 5_000 })
  await connection.close()
  const overview = await fetch(`http://127.0.0.1:${management}/api/overview`, {
    headers: { authorization: `Basic ${btoa('guest:guest')}` },
    signal: AbortSignal.timeout(5_000),
  })
  return overview.ok ? ((await overview.json()) as { rabbitmq_version: string }).rabbitmq_version : ''
}
