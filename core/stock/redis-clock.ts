import type { Redis } from 'ioredis'
import { type RedisClient, serverOf, serversOf } from '../platform/stores/redis.ts'

/** The clocks of Redis in ms since 1970; deadlines of scripts are by the clock of the server that runs them. */
export class RedisClock {
  readonly #redis: RedisClient
  readonly #key: string
  /** Their time when `performance.now()` was 0: a step of this process' clock must not move deadlines of scripts. */
  readonly #originsMs = new WeakMap<Redis, number>()

  /** @param key whose server's clock is meant where no other key is named */
  constructor(redis: RedisClient, key: string) {
    this.#redis = redis
    this.#key = key
  }

  /** @throws when Redis does not answer in time */
  async read(key = this.#key): Promise<number> {
    return readClock(serverOf(this.#redis, key))
  }

  /** Reads them to within a round trip, for `nowMs`. @throws when a server does not answer in time */
  async sync(): Promise<void> {
    await Promise.all(serversOf(this.#redis).map((server) => this.#sync(server)))
  }

  async #sync(server: Redis): Promise<void> {
    const sentAtMs = performance.now()
    this.#originsMs.set(server, (await readClock(server)) - (sentAtMs + performance.now()) / 2)
  }

  /** Without asking Redis, as far as the last `sync` knows. */
  nowMs(key = this.#key): number {
    return (this.#originsMs.get(serverOf(this.#redis, key)) ?? performance.timeOrigin) + performance.now()
  }
}

async function readClock(server: Redis): Promise<number> {
  const [seconds, micros] = await server.time()
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000)
}
