import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import { createLog } from '../../core/platform/process/log.ts'
import { connectDatabase } from '../../core/platform/stores/connect-database.ts'
import type { Database } from '../../core/platform/stores/database.ts'
import { connectRedis, redisReady } from '../../core/platform/stores/redis.ts'
import { readRedisUrl } from '../../core/platform/stores/redis-url.ts'
import { createDatabase } from '../../dev/servers/postgres.ts'
import { Stock } from '../../core/stock/stock.ts'
import type { TestServers } from '../servers.ts'

/**
 * Longer than in services: tests let transactions wait for locks, and at a load of fifty a connection took more than 3 s.
 */
const LIMITS = { connections: 10, statementTimeoutMs: 60_000, connectTimeoutMs: 60_000 }

/** Where a world is, for another process. */
export interface WorldAddress {
  name: string
  databaseUrl: string
  redisUrl: string
  rabbitmqUrl: string
  /** Of RabbitMQ's management API, with user and password. */
  managementUrl: string
}

/** A database, key prefix and virtual host of one test file, or of one run of a lab. */
export interface World extends WorldAddress {
  keyPrefix: string
  database: Database
  redis: Redis
  stock: Stock
  /** RabbitMQ's management API, on this world's virtual host. */
  broker: (method: string, path: string, body?: unknown) => Promise<Response>
  close: () => Promise<void>
}

export async function makeWorld(servers: TestServers): Promise<World> {
  const name = `test_${randomBytes(6).toString('hex')}`
  // A time zone with daylight saving and no whole-hour offset, so that no test depends on the database's time zone.
  const databaseUrl = await createDatabase(servers.databaseUrl, name, {
    template: servers.templateDatabase,
    timezone: 'Pacific/Chatham',
  })
  const rabbitmqUrl = new URL(servers.rabbitmqUrl)
  rabbitmqUrl.pathname = `/${name}`
  const { redisUrl, managementUrl } = servers
  const world = await openWorld({ name, databaseUrl, redisUrl, rabbitmqUrl: rabbitmqUrl.href, managementUrl })
  await world.broker('PUT', 'vhosts/%VHOST%')
  return {
    ...world,
    async close() {
      // A cluster or a group of a primary and replicas is of one file.
      if (isOneServer(redisUrl)) await deleteKeys(world.redis, world.keyPrefix)
      await world.close()
      await world.broker('DELETE', 'vhosts/%VHOST%')
    },
  }
}

/** A world that another process has made, and takes away. */
export async function openWorld(address: WorldAddress): Promise<World> {
  const { name, databaseUrl, redisUrl } = address
  const management = new URL(address.managementUrl)
  const authorization = `Basic ${Buffer.from(`${management.username}:${management.password}`).toString('base64')}`
  const database = connectDatabase(databaseUrl, LIMITS)
  const redis = await connect(redisUrl)
  const keyPrefix = `${name}:`
  return {
    ...address,
    keyPrefix,
    database,
    redis,
    stock: new Stock(redis, keyPrefix),
    broker: (method, path, body) =>
      fetch(new URL(`/api/${path.replace('%VHOST%', name)}`, management.origin), {
        method,
        headers: { authorization, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    async close() {
      await database.$disconnect()
      redis.disconnect()
    },
  }
}

function isOneServer(url: string): boolean {
  const address = readRedisUrl(url)
  return !('fault' in address) && address.kind === 'server'
}

/** Tests call a cluster like a server, without the commands that it has not. */
async function connect(url: string): Promise<Redis> {
  if (isOneServer(url)) return new Redis(url)
  const redis = connectRedis(url, createLog('test', 'silent')) as Redis
  await redisReady(redis)
  return redis
}

/** Every audit scans all keys of the server: those of the files before would make it slower and slower. */
async function deleteKeys(redis: Redis, keyPrefix: string): Promise<void> {
  for await (const keys of redis.scanStream({ match: `${keyPrefix}*`, count: 1_000 }) as AsyncIterable<string[]>)
    if (keys.length > 0) await redis.unlink(keys)
}
