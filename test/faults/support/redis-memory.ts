import { cp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Servers } from './servers.ts'

/** As `appenddirname` is by default. */
const LOG_FOLDER = 'appendonlydir'

/**
 * Data losses of Redis, as after a power failure without fsync or by an operator's mistake.
 */
export class RedisMemory {
  readonly #redis: Servers['redis']
  readonly #log: string
  readonly #copy: string

  constructor({ redis, redisFolder }: Servers) {
    this.#redis = redis
    this.#log = join(redisFolder, LOG_FOLDER)
    this.#copy = join(redisFolder, `${LOG_FOLDER}.copy`)
  }

  /** Copies the log while Redis runs; Redis truncates a half-written last command when it loads the copy. */
  async copy(): Promise<void> {
    await rm(this.#copy, { recursive: true, force: true })
    await cp(this.#log, this.#copy, { recursive: true })
  }

  /** Restarts it with the data of the copy; without a copy, empty. */
  async restoreCopy(): Promise<void> {
    await this.#redis.kill()
    await rm(this.#log, { recursive: true, force: true })
    await rename(this.#copy, this.#log).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
    await this.#redis.start()
  }

  /** Starts an empty Redis at the same address. */
  async replaceByEmpty(): Promise<void> {
    await rm(this.#copy, { recursive: true, force: true })
    await this.restoreCopy()
  }
}
