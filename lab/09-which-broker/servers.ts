import { join } from 'node:path'
import { Redis } from 'ioredis'
import { Pool } from 'pg'
import type { ServerOptions, RunningServer } from '../../dev/servers/running-server.ts'
import { startPostgres } from '../../dev/servers/postgres.ts'
import { startRabbitmq } from '../../dev/servers/rabbitmq.ts'
import { startRedis } from '../../dev/servers/redis.ts'
import { signalTree } from '../../dev/process-tree.ts'
import { connectBroker, type Place } from '../frame/place.ts'
import { openPostgresTopic } from './postgres.ts'
import { openRabbitmqTopic } from './rabbitmq.ts'
import { openRedisTopic } from './redis.ts'
import type { Candidate, Server } from './topic.ts'

type Own = Pick<Place<object>, 'folder' | 'onStart' | 'defer'>
/** Starts a server in the folder of the place, on the data that it has left there. */
export type StartServer = (place: Own) => Promise<Server>

const optionsOf = ({ folder, onStart }: Own, name: string): ServerOptions => ({ dataDir: join(folder, name), onStart })

async function kill(server: RunningServer): Promise<void> {
  signalTree(server.pid, 'SIGKILL')
  await server.ended
}

const rabbitmq: StartServer = async (place) => {
  const plugins = ['rabbitmq_management']
  const server = await startRabbitmq({ ...optionsOf(place, 'rabbitmq'), disposable: true, plugins })
  place.defer(() => server.stop())
  const broker = await connectBroker(server.url)
  return {
    version: server.version,
    open: (candidate, name, partitions) =>
      openRabbitmqTopic(broker, candidate as 'classic' | 'quorum' | 'stream', name, partitions),
    kill: () => server.stop(), // Its signal is SIGKILL, being disposable.
  }
}

const redis: StartServer = async (place) => {
  const server = await startRedis(optionsOf(place, 'redis'))
  place.defer(() => server.stop())
  const connection = new Redis(server.url)
  connection.on('error', () => {}) // A command that fails reports the same.
  place.defer(() => connection.disconnect())
  return {
    version: server.version,
    open: (_, name, partitions) => openRedisTopic(connection, name, partitions),
    async kill() {
      connection.disconnect()
      await kill(server)
    },
  }
}

const POOL_SIZE = 10

const postgres: StartServer = async (place) => {
  const server = await startPostgres(optionsOf(place, 'postgres'))
  place.defer(() => server.stop())
  const pool = new Pool({ connectionString: server.url, max: POOL_SIZE })
  pool.on('error', () => {}) // A query that fails reports the same.
  place.defer(() => pool.end())
  return {
    version: server.version,
    open: (_, name, partitions) => openPostgresTopic(pool, name, partitions),
    kill: () => kill(server),
  }
}

const kafka: StartServer = async (place) => {
  // Loading the client takes a second of a core: only where the broker is there.
  const [{ openKafkaTopic }, { startKafka }] = await Promise.all([import('./kafka.ts'), import('./kafka-server.ts')])
  const server = await startKafka(optionsOf(place, 'kafka'))
  place.defer(() => server.stop())
  const closes: (() => Promise<unknown>)[] = []
  // A client whose broker is gone has nothing left to close in order.
  const closeAll = () => Promise.allSettled(closes.splice(0).map((close) => close()))
  place.defer(closeAll)
  return {
    version: server.version,
    open: (_, name, partitions) =>
      openKafkaTopic({ address: server.url, onOpen: (close) => closes.push(close) }, name, partitions),
    async kill() {
      await kill(server)
      await closeAll()
    },
  }
}

/** Which candidates share a server. */
export const SERVERS: { start: StartServer; candidates: Candidate[] }[] = [
  { start: rabbitmq, candidates: ['classic', 'quorum', 'stream'] },
  { start: redis, candidates: ['redis'] },
  { start: postgres, candidates: ['postgres'] },
  { start: kafka, candidates: ['kafka'] },
]
