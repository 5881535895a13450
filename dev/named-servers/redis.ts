import { Redis } from 'ioredis'
import { connectionFault, Fault, type NamedServer, type ServerReport, userOf } from './fault.ts'

const ANSWER_LIMIT_MS = 10_000

/** @throws Fault, or an error that a retry may mend */
export async function checkRedis(server: NamedServer): Promise<ServerReport> {
  let failure: Error | undefined
  const redis = new Redis(server.url.href, {
    lazyConnect: true,
    retryStrategy: () => null,
    enableReadyCheck: false,
    connectTimeout: ANSWER_LIMIT_MS,
    commandTimeout: ANSWER_LIMIT_MS,
  })
  // Only this event names a wrong password; later errors say "Connection is closed".
  redis.on('error', (error: Error) => {
    failure ??= error
  })
  try {
    await redis.connect()
    await redis.ping()
    if (failure) throw failure
    // INFO may be forbidden to this user; the services name a missing right in /readyz.
    const about = await redis.info().catch(() => '')
    return { version: versionIn(about), warnings: warningsIn(about) }
  } catch (error) {
    throw faultOf(failure ?? error, server) ?? faultOf(error, server) ?? failure ?? error
  } finally {
    redis.disconnect()
  }
}

function versionIn(about: string): string {
  return valueIn(about, 'valkey_version') ?? valueIn(about, 'redis_version') ?? 'of unknown version'
}

function warningsIn(about: string): string[] {
  const policy = valueIn(about, 'maxmemory_policy')
  return [
    ...(valueIn(about, 'aof_enabled') === '0'
      ? [
          'this Redis keeps no log: when it restarts, sales close until they are rebuilt. Set appendonly yes and appendfsync always.',
        ]
      : []),
    ...(policy !== undefined && policy !== 'noeviction'
      ? [
          `this Redis forgets keys when its memory is full (maxmemory-policy ${policy}), and with them who has bought. Set maxmemory-policy noeviction.`,
        ]
      : []),
  ]
}

const valueIn = (about: string, name: string) => new RegExp(`^${name}:(\\S+)`, 'm').exec(about)?.[1]

function faultOf(error: unknown, server: NamedServer): Fault | undefined {
  const { message } = error as Error
  if (/WRONGPASS|invalid (?:username-password|password)/.test(message)) {
    return new Fault(`the password of the user "${userOf(server, 'default')}" is wrong.`)
  }
  if (/NOAUTH/.test(message)) return new Fault('this Redis wants a password; give it as redis://:password@host:port.')
  if (/AUTH.*without any password configured/.test(message)) {
    return new Fault('this Redis has no password; leave it out of the URL, or set one there (requirepass).')
  }
  if (/NOPERM/.test(message)) return new Fault(`the user "${userOf(server, 'default')}" lacks a right: ${message}.`)
  if (/DB index is out of range/.test(message)) {
    return new Fault(`there is no database "${server.url.pathname.slice(1)}"; name one from 0 to 15.`)
  }
  if (/Protocol error|Unexpected token/i.test(message)) {
    return new Fault('what listens there does not speak the protocol of Redis; check host and port.')
  }
  return connectionFault(error, server)
}
