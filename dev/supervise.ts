import { setTimeout as sleep } from 'node:timers/promises'
import { logTail } from './servers/ready.ts'

const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 30_000
/** Having lived this long, its next death is taken for a first one again. */
const CALM_MS = 60_000

export interface Running {
  /** Resolves with the reason when it ends, whoever ended it. */
  ended: Promise<string>
  logFile: string
  stop(): Promise<void>
}

export interface Supervision<R extends Running> {
  name: string
  /** Starts it once; resolves when it is ready. Gives up, and leaves nothing behind, when the signal aborts. */
  start: (signal: AbortSignal) => Promise<R>
  say: (line: string) => void
}

/** Keeps one service or server running until it is asked to stop. */
export class Supervisor<R extends Running = Running> {
  readonly #supervision: Supervision<R>
  readonly #stopping = new AbortController()
  #latest: Promise<R> | undefined

  constructor(supervision: Supervision<R>) {
    this.#supervision = supervision
  }

  /** @throws when the first start fails: what never ran is not tried again. */
  async start(): Promise<R> {
    this.#latest = this.#supervision.start(this.#stopping.signal)
    const running = await this.#latest
    void this.#keepRunning(running)
    return running
  }

  /** From now on its death is nothing to mend or to tell. A start that is under way gives up. */
  letGo(): void {
    this.#stopping.abort()
  }

  /** Works at any time, also while it is starting. */
  async stop(): Promise<void> {
    this.letGo()
    const running = await this.#latest?.catch(() => undefined)
    await running?.stop()
  }

  async #keepRunning(running: R): Promise<void> {
    const { name, start, say } = this.#supervision
    const { signal } = this.#stopping
    const death = async ({ ended, logFile }: R) => `${name} died (${await ended}). ${logTail(logFile)}`
    let startedAt = Date.now()
    let what = await death(running)
    for (let deaths = 0; !signal.aborted; deaths += 1) {
      if (Date.now() - startedAt > CALM_MS) deaths = 0
      const pause = Math.min(FIRST_PAUSE_MS * 2 ** deaths, LONGEST_PAUSE_MS)
      say(`${what}\nStarting ${name} again in ${pause / 1000} s.`)
      await sleep(pause, undefined, { signal }).catch(() => {})
      if (signal.aborted) return
      startedAt = Date.now()
      try {
        this.#latest = start(signal)
        running = await this.#latest
        say(`${name} runs again.`)
        what = await death(running)
      } catch (error) {
        what = (error as Error).message
      }
    }
  }
}
