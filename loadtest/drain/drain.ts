import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'pg'
import { subscriberQueues } from '../../core/contracts/subscriber-topology.ts'
import { createDepthReader } from '../../core/platform/rabbit/depth-reader.ts'
import { freePort } from '../../dev/servers/ports.ts'
import { startService } from '../../dev/services.ts'
import type { Servers } from '../bench/servers.ts'
import { EVENTS_PER_ORDER, makeBacklog } from './backlog.ts'

export interface Case {
  subscriber: string
  events: number
  partitions: number
  batch: number
}

const LOOK_EVERY_MS = 100

/** Seconds from the start of the process to the last event's effect, on a database and a virtual host of the case's own. */
export async function drain(servers: Servers, { subscriber, events, partitions, batch }: Case): Promise<number> {
  const name = `drain_${randomBytes(4).toString('hex')}`
  const env = {
    DATABASE_URL: await servers.newDatabase(name),
    REDIS_URL: servers.redisUrl,
    REDIS_KEY_PREFIX: `${name}:`,
    RABBITMQ_URL: await newVirtualHost(servers, name),
    PATH: process.env.PATH ?? '',
    LOG_LEVEL: 'warn',
    SUBSCRIBERS: subscriber,
    ...(subscriber === 'slow' && { SUBSCRIBERS_FOLDER: 'loadtest/drain/effects' }),
    SMS_LOG_FILE: join(servers.folder, 'sms.log'),
    SUBSCRIBER_PARTITIONS: String(partitions),
    SUBSCRIBER_BATCH_MAX: String(batch),
    SUBSCRIBERS_PORT: String(await freePort()),
  }
  const start = () =>
    startService({
      service: { name: 'subscribers' },
      env,
      signal: new AbortController().signal,
      logFile: join(servers.folder, 'logs', 'subscribers.log'),
      onStart: servers.onStart,
    })
  // Makes the queues.
  await (await start()).stop()
  const pool = new Pool({ connectionString: env.DATABASE_URL, max: 1 })
  // The server's end of the connection may close before ours is closed.
  pool.on('error', () => {})
  const orders = Math.floor(events / EVENTS_PER_ORDER)
  await makeBacklog(pool, env.RABBITMQ_URL, orders)

  const depths = createDepthReader(env.RABBITMQ_URL)
  const beganMs = Date.now()
  const running = await start()
  // Of one with marks instead of an inbox the queues tell, as far as its last batch.
  const partitionQueues = subscriberQueues(subscriber, partitions, []).partitions
  for (let isDone = false; !isDone; await delay(LOOK_EVERY_MS)) {
    const waiting = (await depths.depths(partitionQueues)).reduce((sum, depth) => sum + depth, 0)
    isDone = waiting === 0 && (subscriber === 'sms' || (await countHandled(pool)) === orders)
  }
  const seconds = (Date.now() - beganMs) / 1_000
  await running.stop()
  await depths.close()
  await pool.end()
  return seconds
}

/** Orders whose last event has had its effect. */
async function countHandled(pool: Pool): Promise<number> {
  const sql = `SELECT count(*)::int AS count FROM inbox WHERE sequence >= ${EVENTS_PER_ORDER}`
  return (await pool.query<{ count: number }>(sql)).rows[0]?.count ?? 0
}

async function newVirtualHost({ managementUrl, rabbitmqUrl }: Servers, name: string): Promise<string> {
  const { username, password, origin } = new URL(managementUrl)
  const authorization = `Basic ${btoa(`${username}:${password}`)}`
  await fetch(new URL(`/api/vhosts/${name}`, origin), { method: 'PUT', headers: { authorization } })
  return `${rabbitmqUrl}/${name}`
}
