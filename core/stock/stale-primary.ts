import type { Logger } from '../platform/process/log.ts'
import { type RedisClient, reconnect } from '../platform/stores/redis.ts'
import type { Stock } from './stock.ts'

/** How often services compare epochs. The fence of a rebuild comes 2 s or more after it has raised the epoch. */
export const EPOCHS_INTERVAL_MS = 1_000
/**
 * A rebuild writes an epoch into Redis and PostgreSQL in one transaction, so Redis is behind for longer only if it is
 * old.
 */
const BEHIND_MS = 2_000
/** A Redis that was restored from an older copy is behind until a cancel worker has closed its sales. */
const LEFT_AGAIN_AFTER_MS = 10_000

export interface EpochDeps {
  stock: Stock
  /** Epochs by sale, from another source than Redis. */
  readEpochs: () => Promise<Record<string, number>>
  /** Connections to Redis that are made anew, to be led to its primary of now. */
  connections: RedisClient[]
  log: Logger
}

/**
 * Compares the epochs of sales in Redis with another source. After a failover the old primary may live on, and clients
 * that stay connected to it hear of nothing: what they reserve there lapses, and what they settle there is lost.
 * @returns the work of one comparison. @throws when Redis or the source does not answer
 */
export function leaveStalePrimary({ stock, readEpochs, connections, log }: EpochDeps): () => Promise<void> {
  let behindSinceMs: number | undefined
  let leftAtMs = -Infinity
  return async () => {
    const epochs = Object.entries(await readEpochs())
    const found = await Promise.all(epochs.map(([saleId]) => stock.readEpoch(saleId)))
    const behind = epochs.find(([, epoch], i) => (found[i] ?? Infinity) < epoch)
    const nowMs = performance.now()
    behindSinceMs = behind && (behindSinceMs ?? nowMs)
    if (!behind || behindSinceMs === undefined || nowMs - behindSinceMs < BEHIND_MS) return
    if (nowMs - leftAtMs < LEFT_AGAIN_AFTER_MS) return
    leftAtMs = nowMs
    log.warn({ saleId: behind[0] }, 'Redis has an older epoch of this sale than PostgreSQL: connecting anew')
    for (const connection of connections) reconnect(connection)
  }
}
