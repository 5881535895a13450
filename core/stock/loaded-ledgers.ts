import type { Redis } from 'ioredis'
import { SHARDS_MAX } from '../contracts/values.ts'
import { KEPT_AFTER_END_MS } from './sale-figures.ts'
import { saleOf } from './shards.ts'

/** The list of the ledgers that Redis has, by their expiry. Every method throws when Redis does not answer in time. */
export class LoadedLedgers {
  readonly #redis: Redis
  readonly #key: string

  constructor(redis: Redis, key: string) {
    this.#redis = redis
    this.#key = key
  }

  /** Those whose sales have not ended. */
  async open(): Promise<string[]> {
    return this.#redis.zrange(this.#key, Date.now() + KEPT_AFTER_END_MS, '+inf', 'BYSCORE')
  }

  /** Those whose sales have ended and whose data has not expired, from the `skip`-th on. */
  async ended(skip: number, most: number): Promise<string[]> {
    const nowMs = Date.now()
    return this.#redis.zrange(this.#key, nowMs, `(${nowMs + KEPT_AFTER_END_MS}`, 'BYSCORE', 'LIMIT', skip, most)
  }

  /** Ids of the sales that end last. */
  async lastSaleIds(most: number): Promise<string[]> {
    const limit = ['LIMIT', 0, most * SHARDS_MAX] as const
    const ledgers = await this.#redis.zrange(this.#key, '+inf', String(Date.now()), 'BYSCORE', 'REV', ...limit)
    return [...new Set(ledgers.map(saleOf))].slice(0, most).reverse()
  }

  /** Whether a sale is loaded, of several, in their order; by its shard 0. */
  async has(saleIds: string[]): Promise<boolean[]> {
    if (saleIds.length === 0) return []
    const expiries = await this.#redis.zmscore(this.#key, ...saleIds)
    return expiries.map((expiry) => expiry !== null && Number(expiry) >= Date.now())
  }
}
