import type { ChannelModel } from 'amqplib'
import { Redis } from 'ioredis'
import { Client } from 'pg'
import { settings } from '../core/platform/process/config.ts'
import { createLog } from '../core/platform/process/log.ts'
import { connectRedis, redisReady } from '../core/platform/stores/redis.ts'
import { readRedisUrl } from '../core/platform/stores/redis-url.ts'
import { connectToBroker } from '../core/platform/rabbit/brokers.ts'
import { findPrimary } from '../core/platform/stores/primary.ts'

const ANSWER_LIMIT_MS = 10_000

interface Server {
  name: string
  variable: 'DATABASE_URL' | 'REDIS_URL' | 'RABBITMQ_URL'
  example: string
  /** @returns the server's version. @throws the driver's error when it cannot be used */
  use: (url: string) => Promise<string | undefined>
}

const SERVERS: Server[] = [
  {
    name: 'PostgreSQL',
    variable: 'DATABASE_URL',
    example: 'postgresql://user:password@host:5432/database',
    use: usePostgres,
  },
  { name: 'Redis', variable: 'REDIS_URL', example: 'redis://:password@host:6379', use: useRedis },
  {
    name: 'RabbitMQ',
    variable: 'RABBITMQ_URL',
    example: 'amqp://user:password@host:5672',
    use: useRabbitmq,
  },
]

/** What to do about errors of the drivers that do not say it themselves. */
const ADVICE: [error: RegExp, advice: string][] = [
  [/ECONNREFUSED/, 'Nothing listens there: start it, or check host and port.'],
  [/ENOTFOUND|EAI_AGAIN/, 'Check the name of the host.'],
  [/certificate|CERT_/i, "Name the file of its authority's certificate in NODE_EXTRA_CA_CERTS."],
  [/wrong version number|packet length|EPROTO/, 'It does not speak TLS: ask for it without (redis://, amqp://).'],
  [
    /Socket closed abruptly|Expected protocol|Invalid frame/,
    'It does not speak AMQP 0-9-1, or only with TLS (amqps://).',
  ],
  // amqplib does not read the reason.
  [
    /Expected ConnectionOpenOk/,
    'There is no such virtual host, or the user may not use it: see rabbitmqctl set_permissions.',
  ],
  [/unknown exchange type|COMMAND.INVALID/, 'Run there: rabbitmq-plugins enable rabbitmq_consistent_hash_exchange'],
]

/**
 * Checks the servers that the user named by URL, before anything starts on them.
 * @returns their versions, in words; empty when none is named.
 * @throws one sentence for each that cannot be used
 */
export async function checkNamedServers(env: NodeJS.ProcessEnv): Promise<string> {
  const named = SERVERS.filter(({ variable }) => env[variable])
  const results = await Promise.allSettled(named.map((server) => check(server, env[server.variable] ?? '')))
  const faults = results.flatMap((result) => (result.status === 'rejected' ? [(result.reason as Error).message] : []))
  if (faults.length > 0) throw new Error(faults.join('\n'))
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])).join(', ')
}

async function check({ name, variable, example, use }: Server, url: string): Promise<string> {
  const { error } = settings[variable].safeParse(url)
  if (error) {
    const fault = error.issues.map(({ message }) => message).join(', ')
    throw new Error(`${variable}: ${fault}; expected ${example}, with special characters percent-encoded.`)
  }
  try {
    return `${name} ${(await use(url)) ?? 'of unknown version'} (${variable})`
  } catch (cause) {
    const reason = reasonOf(cause as Error)
    const [, advice = ''] = ADVICE.find(([pattern]) => pattern.test(reason)) ?? []
    throw new Error(`${variable}: ${name} at ${hostsOf(url)} cannot be used: ${reason}. ${advice}`.trim(), { cause })
  }
}

/** Of one server, or of those that a list names. */
const hostsOf = (url: string) => (/^[^/]*\/\/(?:[^@/]*@)?([^/?]*)/.exec(url)?.[1] ?? '').replaceAll(',', ', ')

/** Of a name with several addresses each one has its error. */
const reasonOf = (error: Error): string =>
  error instanceof AggregateError ? reasonOf(error.errors.at(-1) as Error) : error.message.replace(/\.$/, '')

async function usePostgres(url: string): Promise<string | undefined> {
  const client = new Client({
    connectionString: await findPrimary(url),
    connectionTimeoutMillis: ANSWER_LIMIT_MS,
    query_timeout: ANSWER_LIMIT_MS,
  })
  client.on('error', () => {}) // The rejected call says the same.
  try {
    await client.connect()
    const { rows } = await client.query<{ server_version: string }>('SHOW server_version')
    return rows[0]?.server_version.split(' ')[0]
  } finally {
    await client.end().catch(() => {}) // There was no connection.
  }
}

async function useRedis(url: string): Promise<string | undefined> {
  const address = readRedisUrl(url)
  if ('fault' in address || address.kind !== 'server') return useRedisGroup(url)
  const options = { connectTimeout: ANSWER_LIMIT_MS, commandTimeout: ANSWER_LIMIT_MS, enableReadyCheck: false }
  const redis = new Redis(url, { ...options, lazyConnect: true, retryStrategy: () => null })
  let failure: Error | undefined
  // Only this event names a wrong password; later errors say "Connection is closed".
  redis.on('error', (error: Error) => {
    failure ??= error
  })
  try {
    await redis.connect()
    await redis.ping()
    if (failure) throw failure
    // INFO may be forbidden to this user; the services name a missing right in /readyz.
    const about = await redis.info('server').catch(() => '')
    return /^valkey_version:(\S+)/m.exec(about)?.[1] ?? /^redis_version:(\S+)/m.exec(about)?.[1]
  } catch (error) {
    throw failure ?? error
  } finally {
    redis.disconnect()
  }
}

/** A cluster, or a group that sentinels watch. */
async function useRedisGroup(url: string): Promise<string | undefined> {
  const redis = connectRedis(url, createLog('servers', 'silent'), ANSWER_LIMIT_MS)
  let failure: Error | undefined
  for (const event of ['error', 'node error'])
    redis.on(event, (error: Error) => {
      failure = error
    })
  try {
    await redisReady(redis, ANSWER_LIMIT_MS)
    return /^(?:valkey|redis)_version:(\S+)/m.exec(await redis.info('server').catch(() => ''))?.[1]
  } catch (error) {
    throw failure ?? error
  } finally {
    redis.disconnect()
  }
}

/** Declares an exchange of the type that the subscribers' partitions need, which a plugin brings. */
async function useRabbitmq(url: string): Promise<string | undefined> {
  const model = await connectToBroker(url, 'seckill check')
  try {
    await declareByHash(model)
    return (model.connection.serverProperties as { version?: string }).version
  } finally {
    await model.close().catch(() => {}) // The broker has closed it already: 3.10 does for an unknown exchange type.
  }
}

async function declareByHash(model: ChannelModel): Promise<void> {
  // RabbitMQ 3.10 closes the whole connection, and gives the reason in this event only.
  const refused = new Promise<never>((_, reject) => model.on('error', reject))
  refused.catch(() => {}) // It may come when the race is over.
  const channel = await model.createChannel()
  channel.on('error', () => {}) // The rejected call says the same.
  const exchange = `seckill.probe.${process.pid}`
  const declared = channel
    .assertExchange(exchange, 'x-consistent-hash', { durable: false, autoDelete: true })
    .then(() => channel.deleteExchange(exchange))
  declared.catch(() => {}) // As above.
  await Promise.race([refused, declared])
}
