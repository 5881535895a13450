import { Redis } from 'ioredis'
import type { Logger } from '../process/log.ts'

export const COMMAND_TIMEOUT_MS = 1_000

/**
 * A client that fails fast instead of queueing: a command waits at most `commandTimeoutMs`, is rejected at once while
 * Redis is unreachable, and is never resent silently, because a script may already have run.
 */
export function connectRedis(url: string, log: Logger, commandTimeoutMs = COMMAND_TIMEOUT_MS): Redis {
  const redis = new Redis(url, {
    commandTimeout: commandTimeoutMs,
    connectTimeout: 2_000,
    // Reconnect when a connection has fallen silent; a command timeout alone would leave it in use.
    socketTimeout: 2 * commandTimeoutMs,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // When Redis refuses the client's own SUBSCRIBE after a reconnect, the unhandled rejection would end the process.
    autoResubscribe: false,
    // Auto-pipelining sends nothing while a reply is outstanding, so client and server take turns idling: 8k purchases
    // a second instead of 16k.
    enableAutoPipelining: false,
    retryStrategy: (attempt) => Math.min(100 * 2 ** attempt, 2_000),
  })
  redis.on('error', (error: Error) => log.warn({ err: error.message }, 'the connection to Redis failed, reconnecting'))
  return redis
}

/** Resolves when the client accepts commands. @throws when that takes longer than `limitMs` */
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

const LOG_INTERVAL_MS = 5_000

/** Waits for Redis without a limit, as services do at their start, and logs this repeatedly. */
export async function waitForRedis(redis: Redis, log: Logger): Promise<void> {
  let reason = 'it does not answer'
  const onError = (error: Error) => {
    reason = error.message
  }
  redis.on('error', onError)
  for (;;) {
    const isReady = await redisReady(redis, LOG_INTERVAL_MS).then(
      () => true,
      () => false,
    )
    if (isReady) break
    log.warn(`Waiting for Redis of REDIS_URL: ${reason}`)
  }
  redis.off('error', onError)
}
