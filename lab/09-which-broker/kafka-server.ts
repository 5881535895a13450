import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Admin } from '@platformatic/kafka'
import { execa } from 'execa'
import { startChild } from '../../dev/processes.ts'
import { freePort } from '../../dev/servers/ports.ts'
import { waitUntilReady } from '../../dev/servers/ready.ts'
import type { RunningServer, ServerOptions } from '../../dev/servers/running-server.ts'
import { JARS, KAFKA_VERSION } from './kafka-jars.ts'

/** Names the cluster in its data: 16 bytes in base64. */
const CLUSTER = 'MkU3OEVBNTcwNTJENDM2Qg'
const STOP_LIMIT_MS = 10_000
/** A heap for a lab; and the first compiler only, since it never runs for long enough to need the second. */
const JAVA_ARGUMENTS = ['-Xmx512m', '-XX:TieredStopAtLevel=1', '-cp', join(JARS, '*')]

/** A private broker on loopback that is its own controller (KRaft). */
export async function startKafka({ dataDir, onStart, signal }: ServerOptions): Promise<RunningServer> {
  await mkdir(dataDir, { recursive: true })
  const settings = join(dataDir, 'server.properties')
  const [port, controllerPort] = [await freePort(), await freePort()]
  await writeFile(settings, propertiesOf(dataDir, port, controllerPort))
  const format = ['format', '--ignore-formatted', '--cluster-id', CLUSTER, '--config', settings]
  await execa('java', [...JAVA_ARGUMENTS, 'kafka.tools.StorageTool', ...format])

  const child = startChild({
    command: 'java',
    args: [...JAVA_ARGUMENTS, 'kafka.Kafka', settings],
    logFile: join(dataDir, 'kafka.log'),
    graceMs: STOP_LIMIT_MS,
  })
  onStart?.('kafka', child)
  const url = `127.0.0.1:${port}`
  await waitUntilReady(() => isRegistered(url), { name: 'Kafka', child, signal })
  return { ...child, version: KAFKA_VERSION, url }
}

function propertiesOf(dataDir: string, port: number, controllerPort: number): string {
  return Object.entries({
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    // A broker that was killed may not register again before its session has expired: 9 s otherwise.
    'broker.session.timeout.ms': 2_000,
    'broker.heartbeat.interval.ms': 500,
    'log.dirs': join(dataDir, 'log'),
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 1,
    'group.initial.rebalance.delay.ms': 0,
  })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

/** The broker listens before it has registered with its controller, and refuses new topics until then. */
async function isRegistered(address: string): Promise<boolean> {
  const admin = new Admin({ clientId: 'lab', bootstrapBrokers: [address], retries: 0 })
  try {
    const { brokers } = await admin.metadata({})
    return brokers.size > 0
  } finally {
    await admin.close()
  }
}
