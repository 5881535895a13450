import type { Logger } from './log.ts'

/** Closes the resources of a service in reverse order of acquisition; one failing close does not skip the rest. */
export class Closers {
  readonly #held: { name: string; close: () => unknown }[] = []
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  add(name: string, close: () => unknown): void {
    this.#held.push({ name, close })
  }

  async closeAll(): Promise<void> {
    for (let next = this.#held.pop(); next; next = this.#held.pop()) {
      try {
        await next.close()
      } catch (error) {
        this.#log.error({ err: error, holding: next.name }, 'closing failed')
      }
    }
  }
}
