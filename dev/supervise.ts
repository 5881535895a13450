import { setTimeout as sleep } from 'node:timers/promises'
import { explain } from './servers/explain.ts'
import { StartFailure } from './servers/ready.ts'

const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 30_000
/** Retries of a failed first start: a server may have been slow, or the machine short of memory for a moment. */
const FIRST_RETRIES = 5
/** After this uptime the back-off begins anew. */
const CALM_MS = 60_000

export interface Running {
  /** The main process first; the others end with it. */
  pids: number[]
  /** Resolves with the reason when it ends for any cause. */
  ended: Promise<string>
  logFile: string
  /** Where the log of this start begins. */
  logFrom: number
  stop(): Promise<void>
}

export interface Supervision<R extends Running> {
  name: string
  /** Starts it once; resolves when it is ready. Gives up, and leaves nothing behind, when the signal aborts. */
  start: (signal: AbortSignal) => Promise<R>
  say: (line: string) => void
}

export interface SupervisedState {
  state: 'STARTING' | 'RUNNING' | 'DOWN'
  pid: number | null
  /** When it became ready, ms since 1970. */
  startedAtMs: number | null
  /** How often it was started again. */
  restarts: number
}

/** Keeps one service or server running until it is asked to stop. */
export class Supervisor<R extends Running = Running> {
  readonly #supervision: Supervision<R>
  readonly #stopping = new AbortController()
  #latest: Promise<R> | undefined
  /** Since when it is ready; undefined while it is not. */
  #ready: { running: R; sinceMs: number } | undefined
  #isStarting = false
  #restarts = 0
  /** Its end was requested: no crash, so no back-off. */
  #isRestarting = false

  constructor(supervision: Supervision<R>) {
    this.#supervision = supervision
  }

  /** @throws when it fails for a reason that a retry does not mend, or after the last retry. */
  async start(): Promise<R> {
    const running = await this.#startFirst()
    void this.#keepRunning(running)
    return running
  }

  get name(): string {
    return this.#supervision.name
  }

  get state(): SupervisedState {
    const { running, sinceMs = null } = this.#ready ?? {}
    return {
      state: running ? 'RUNNING' : this.#isStarting ? 'STARTING' : 'DOWN',
      pid: running?.pids[0] ?? null,
      startedAtMs: sinceMs,
      restarts: this.#restarts,
    }
  }

  /**
   * Kills it (SIGKILL) and starts it again, as after any crash. False when it is not running.
   */
  kill(): boolean {
    const pid = this.#ready?.running.pids[0]
    if (pid === undefined) return false
    process.kill(pid, 'SIGKILL')
    return true
  }

  /** Stops it in order and starts it again at once. False when it is not running. */
  restart(): boolean {
    if (!this.#ready) return false
    this.#isRestarting = true
    void this.#ready.running.stop()
    return true
  }

  /** From now on its end is neither mended nor reported. A start in progress gives up. */
  letGo(): void {
    this.#stopping.abort()
  }

  /** Works at any time, also while it is starting. */
  async stop(): Promise<void> {
    this.letGo()
    const running = await this.#latest?.catch(() => undefined)
    await running?.stop()
  }

  async #startFirst(): Promise<R> {
    const { name, say } = this.#supervision
    const { signal } = this.#stopping
    for (let failures = 0; ; failures += 1) {
      try {
        return await this.#startOnce()
      } catch (error) {
        const mayPass = error instanceof StartFailure && error.mayPass
        if (signal.aborted || !mayPass || failures === FIRST_RETRIES) throw error
        const pause = FIRST_PAUSE_MS * 2 ** failures
        say(`${error.message}\nStarting ${name} again in ${pause / 1_000} s.`)
        await sleep(pause, undefined, { signal }).catch(() => {})
      }
    }
  }

  async #startOnce(): Promise<R> {
    this.#isStarting = true
    try {
      this.#latest = this.#supervision.start(this.#stopping.signal)
      const running = await this.#latest
      this.#ready = { running, sinceMs: Date.now() }
      void running.ended.then(() => {
        this.#ready = undefined
      })
      return running
    } finally {
      this.#isStarting = false
    }
  }

  async #keepRunning(running: R): Promise<void> {
    const { name, say } = this.#supervision
    const { signal } = this.#stopping
    let startedAt = Date.now()
    let what = await this.#end(running)
    for (let deaths = 0; !signal.aborted; deaths += 1) {
      if (this.#isRestarting || Date.now() - startedAt > CALM_MS) deaths = 0
      const pause = this.#isRestarting ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** deaths, LONGEST_PAUSE_MS)
      this.#isRestarting = false
      say(`${what}\nStarting ${name} again in ${pause / 1000} s.`)
      await sleep(pause, undefined, { signal }).catch(() => {})
      if (signal.aborted) return
      startedAt = Date.now()
      this.#restarts += 1
      try {
        running = await this.#startOnce()
        say(`${name} runs again.`)
        what = await this.#end(running)
      } catch (error) {
        what = (error as Error).message
      }
    }
  }

  /** Resolves when it has ended, with what to say about it. */
  async #end({ ended, logFile, logFrom }: R): Promise<string> {
    const why = await ended
    return this.#isRestarting
      ? `${this.name} was stopped, as asked.`
      : explain({ name: this.name, why, logFile, logFrom }).sentence
  }
}
