import type { RedisClient } from '../platform/stores/redis.ts'
import { SHARDS_MAX } from '../contracts/values.ts'
import { KEPT_AFTER_END_MS } from './sale-figures.ts'
import { saleOf } from './shards.ts'

/** The list of the ledgers that Redis has, by their expiry. Every method throws when Redis does not answer in time. */
export class LoadedLedgers {
  readonly #redis: RedisClient
  readonly #key: string

  constructor(redis: RedisClient, key: string) {
    this.#redis = redis
    this.#key = key
  }

  /** Those whose sales have not ended. */
  async open(): Promise<string[]> {
    return this.#redis.zrange(this.#key, Date.now() + KEPT_AFTER_END_MS, '+inf', 'BYSCORE')
  }

  /** Those whose data has not expired, from the `skip`-th on. */
  async some(skip: number, most: number): Promise<string[]> {
    return this.#redis.zrange(this.#key, Date.now(), '+inf', 'BYSCORE', 'LIMIT', skip, most)
  }

  /** Ids of the sales that end next, and while those are too few, of those that have ended last; by their end. */
  async nextSaleIds(most: number): Promise<string[]> {
    const end = String(Date.now() + KEPT_AFTER_END_MS)
    const limit = ['LIMIT', 0, most * SHARDS_MAX] as const
    const [next, ended] = await Promise.all([
      this.#redis.zrange(this.#key, end, '+inf', 'BYSCORE', ...limit),
      this.#redis.zrange(this.#key, `(${end}`, String(Date.now()), 'BYSCORE', 'REV', ...limit),
    ])
    const saleIds = [...new Set([...next, ...ended].map(saleOf))].slice(0, most)
    const nextIds = new Set(next.map(saleOf))
    const ofEnded = saleIds.filter((saleId) => !nextIds.has(saleId)).reverse()
    return [...ofEnded, ...saleIds.filter((saleId) => nextIds.has(saleId))]
  }

  /** Whether a sale is loaded, of several, in their order; by its shard 0. */
  async has(saleIds: string[]): Promise<boolean[]> {
    if (saleIds.length === 0) return []
    const expiries = await this.#redis.zmscore(this.#key, ...saleIds)
    return expiries.map((expiry) => expiry !== null && Number(expiry) >= Date.now())
  }
}
