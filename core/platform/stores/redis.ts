import { Cluster, Redis } from 'ioredis'
import { BadConfiguration } from '../process/config.ts'
import type { Logger } from '../process/log.ts'
import { slotOf } from './cluster-slot.ts'
import { type RedisAddress, readRedisUrl } from './redis-url.ts'

export const COMMAND_TIMEOUT_MS = 1_000

/** A connection to one server (also to the primary of a group that sentinels watch), or connections to a cluster. */
export type RedisClient = Redis | Cluster

/** How often a cluster is asked which node has which slot, apart from when a call fails. */
const SLOTS_REFRESH_MS = 1_000
const backOff = (attempt: number) => Math.min(100 * 2 ** attempt, 2_000)

/**
 * A client that fails fast instead of queueing: a command waits at most `commandTimeoutMs`, is rejected at once while
 * Redis is unreachable, and is never resent silently, because a script may already have run.
 * @throws BadConfiguration when the URL cannot be read
 */
export function connectRedis(url: string, log: Logger, commandTimeoutMs = COMMAND_TIMEOUT_MS): RedisClient {
  const address = readRedisUrl(url)
  if ('fault' in address) throw new BadConfiguration([`REDIS_URL: ${address.fault}`])
  const redis = connect(address, commonOptions(commandTimeoutMs))
  redis.on('error', (error: Error) => log.warn({ err: error.message }, 'the connection to Redis failed, reconnecting'))
  return redis
}

const commonOptions = (commandTimeoutMs: number) => ({
  commandTimeout: commandTimeoutMs,
  connectTimeout: 2_000,
  // Reconnect when a connection has fallen silent; a command timeout alone would leave it in use.
  socketTimeout: 2 * commandTimeoutMs,
  // A primary that has become a replica refuses writes: look again where the primary is.
  reconnectOnError: ({ message }: Error) => message.startsWith('READONLY'),
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  // When Redis refuses the client's own SUBSCRIBE after a reconnect, the unhandled rejection would end the process.
  autoResubscribe: false,
  // Auto-pipelining sends nothing while a reply is outstanding, so client and server take turns idling: 8k purchases
  // a second instead of 16k.
  enableAutoPipelining: false,
})
type Options = ReturnType<typeof commonOptions> & { tls?: object }

function connect(address: RedisAddress, common: Options): RedisClient {
  const options = { ...common, ...address.login, ...(address.isTls && { tls: {} }) }
  if (address.kind === 'cluster') return connectCluster(address.nodes, options)
  const failsFast = { enableOfflineQueue: false, retryStrategy: backOff }
  if (address.kind === 'server') return new Redis(address.url, { ...common, ...failsFast })
  const { sentinels, group, db, sentinelLogin } = address
  return new Redis({
    ...options,
    ...failsFast,
    sentinels,
    name: group,
    db,
    ...(sentinelLogin.username && { sentinelUsername: sentinelLogin.username }),
    ...(sentinelLogin.password && { sentinelPassword: sentinelLogin.password }),
    ...(address.isTls && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
    sentinelCommandTimeout: COMMAND_TIMEOUT_MS,
    // Without ioredis' failover detector: a message of a sentinel that comes while it connects ends the client for
    // good. Sentinels close the connections of a primary that they demote, and stale-primary.ts leaves one that they
    // cannot reach.
  })
}

function connectCluster(nodes: { host: string; port: number }[], options: Options): Cluster {
  const cluster = new Cluster(nodes, {
    redisOptions: options,
    enableOfflineQueue: false,
    clusterRetryStrategy: backOff,
    slotsRefreshInterval: 0,
    slotsRefreshTimeout: COMMAND_TIMEOUT_MS,
    // Certificates name hosts.
    ...(options.tls && { dnsLookup: (host, callback) => callback(null, host) }),
  })
  refreshSlots(cluster)
  // Connections would be made for a node's first command, and the next ones be rejected meanwhile.
  cluster.on('+node', (node: Redis) => void node.connect().catch(() => {})) // The event 'node error' says the same.
  // ioredis would send a command again: to the node that MOVED names, although the run that a script was given is
  // another server's, or after a lost connection, although the script may have run.
  cluster.handleError = ({ message }, _ttl, { defaults }: { defaults: () => void }) => {
    if (/^(MOVED|ASK|CLUSTERDOWN|READONLY|Connection is closed)/.test(message)) cluster.refreshSlotsCache()
    defaults()
  }
  return cluster
}

/**
 * Instead of ioredis' slotsRefreshInterval: when the client is closed during a refresh, that refresh schedules the next
 * one all the same, and the process never ends.
 */
function refreshSlots(cluster: Cluster): void {
  const refreshing = setInterval(() => {
    if (cluster.status === 'ready') cluster.refreshSlotsCache()
  }, SLOTS_REFRESH_MS).unref()
  cluster.once('end', () => clearInterval(refreshing))
}

/** The server that has a key: in a cluster the master of its slot. @throws an outage when no master is known */
export function serverOf(redis: RedisClient, key: string): Redis {
  if (!(redis instanceof Cluster)) return redis
  const master = redis.slots[slotOf(key)]?.[0]
  const server = redis.nodes('master').find(({ options: { host, port } }) => `${host}:${port}` === master)
  if (!server) throw new Error('Connection is closed: no master is known for the slot of this key')
  return server
}

/** All servers that have keys: the masters of a cluster. */
export const serversOf = (redis: RedisClient): Redis[] => (redis instanceof Cluster ? redis.nodes('master') : [redis])

/**
 * Has a client connect anew, to be led to the primary of now. Not while it is connecting, which it would give up for
 * good.
 */
export function reconnect(redis: RedisClient): void {
  if (redis.status === 'ready') redis.disconnect(true)
}

/** Resolves when the client accepts commands. @throws when that takes longer than `limitMs` */
export async function redisReady(redis: RedisClient, limitMs = 15_000): Promise<void> {
  if (redis.status !== 'ready') await becomesReady(redis, limitMs)
  // A master that is away keeps no client from the sales of the others.
  if (redis instanceof Cluster) await Promise.allSettled(redis.nodes('master').map((node) => node.ping()))
}

async function becomesReady(redis: RedisClient, limitMs: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const onReady = () => {
      clearTimeout(timer)
      resolve()
    }
    const timer = setTimeout(() => {
      redis.off('ready', onReady)
      reject(new Error(`Redis was not ready within ${limitMs} ms; is REDIS_URL right?`))
    }, limitMs)
    redis.once('ready', onReady)
  })
}

const LOG_INTERVAL_MS = 5_000

/** Waits for Redis without a limit, as services do at their start, and logs this repeatedly. */
export async function waitForRedis(redis: RedisClient, log: Logger): Promise<void> {
  let reason = 'it does not answer'
  const onError = (error: Error) => {
    reason = error.message
  }
  redis.on('error', onError)
  // Of a cluster the other event only says that no node could be asked.
  redis.on('node error', onError)
  for (;;) {
    const isReady = await redisReady(redis, LOG_INTERVAL_MS).then(
      () => true,
      () => false,
    )
    if (isReady) break
    log.warn(`Waiting for Redis of REDIS_URL: ${reason}`)
  }
  redis.off('error', onError)
  redis.off('node error', onError)
}
