import { cp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Servers } from './servers.ts'

/** As `appenddirname` is by default. */
const LOG_FOLDER = 'appendonlydir'

/**
 * Ways in which Redis loses what it knew, as after a power cut without a synced disk, or in the hands of a hurried
 * person.
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

  /** While it runs; a half-written last command is cut off when the copy is read. */
  async copy(): Promise<void> {
    await rm(this.#copy, { recursive: true, force: true })
    await cp(this.#log, this.#copy, { recursive: true })
  }

  /** It starts again with what it knew when the copy was made; without a copy, with nothing. */
  async restoreCopy(): Promise<void> {
    await this.#redis.kill()
    await rm(this.#log, { recursive: true, force: true })
    await rename(this.#copy, this.#log).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
    await this.#redis.start()
  }

  /** Another one, that never knew anything, answers at its address. */
  async replaceByEmpty(): Promise<void> {
    await rm(this.#copy, { recursive: true, force: true })
    await this.restoreCopy()
  }
}
