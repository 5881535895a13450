import type { Redis } from 'ioredis'

/** Redis' clock in ms since 1970; deadlines of scripts are by that clock. */
export class RedisClock {
  readonly #redis: Redis
  /** Its time when `performance.now()` was 0: a step of this process' clock must not move deadlines of scripts. */
  #originMs = performance.timeOrigin

  constructor(redis: Redis) {
    this.#redis = redis
  }

  /** @throws when Redis does not answer in time */
  async read(): Promise<number> {
    const [seconds, micros] = await this.#redis.time()
    return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000)
  }

  /** Reads it to within a round trip, for `nowMs`. @throws when Redis does not answer in time */
  async sync(): Promise<void> {
    const sentAtMs = performance.now()
    this.#originMs = (await this.read()) - (sentAtMs + performance.now()) / 2
  }

  /** Without asking Redis, as far as the last `sync` knows. */
  nowMs(): number {
    return this.#originMs + performance.now()
  }
}
