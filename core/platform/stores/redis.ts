import { Redis } from 'ioredis'
import type { Logger } from '../process/log.ts'

/** How long a command is waited for. */
export const COMMAND_TIMEOUT_MS = 1_000

/**
 * A client that fails fast instead of piling work up: a command waits at most `commandTimeoutMs`, is refused at once
 * while Redis is away, and is never sent a second time behind the caller's back (a script may already have run).
 */
export function connectRedis(url: string, log: Logger, commandTimeoutMs = COMMAND_TIMEOUT_MS): Redis {
  const redis = new Redis(url, {
    commandTimeout: commandTimeoutMs,
    connectTimeout: 2_000,
    // A connection that has fallen silent is given up and made anew; a timed-out command alone would leave it in use.
    socketTimeout: 2 * commandTimeoutMs,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // Refused, the client's own SUBSCRIBE after a reconnect is a rejection without a handler, which ends the process.
    autoResubscribe: false,
    // It sends nothing while an answer is outstanding, so that client and server wait for each other in turn: 8k
    // purchases a second instead of 16k.
    enableAutoPipelining: false,
    retryStrategy: (attempt) => Math.min(100 * 2 ** attempt, 2_000),
  })
  redis.on('error', (error: Error) => log.warn({ err: error.message }, 'redis connection'))
  return redis
}

/** Resolves when the client can take commands. @throws when that takes longer than `limitMs`. */
export async function redisReady(redis: Redis, limitMs = 15_000): Promise<void> {
  if (redis.status === 'ready') return
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

/** How often the log says what is waited for. */
const SAY_EVERY_MS = 5_000

/** For services, which wait for a server as long as it takes, and say so. */
export async function waitForRedis(redis: Redis, log: Logger): Promise<void> {
  let reason = 'it does not answer'
  const onError = (error: Error) => {
    reason = error.message
  }
  redis.on('error', onError)
  for (;;) {
    const isReady = await redisReady(redis, SAY_EVERY_MS).then(
      () => true,
      () => false,
    )
    if (isReady) break
    log.warn(`Waiting for Redis of REDIS_URL: ${reason}`)
  }
  redis.off('error', onError)
}
