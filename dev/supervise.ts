import { setTimeout as sleep } from 'node:timers/promises'
import type { Child } from './processes.ts'
import { explain } from './servers/explain.ts'
import { EndedEarly } from './servers/ready.ts'
import { signalTree } from './process-tree.ts'

const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 30_000
/** Retries of a failed first start: the machine may have been short of memory or ports for a moment. */
const FIRST_RETRIES = 3
/** After this uptime the back-off begins anew. */
const CALM_MS = 60_000

export interface Supervision<Running extends Child> {
  name: string
  /** Starts it once; resolves when it is ready. Gives up, and leaves nothing behind, when the signal aborts. */
  start: (signal: AbortSignal) => Promise<Running>
  say: (line: string) => void
}

export interface SupervisedState {
  state: 'STARTING' | 'RUNNING' | 'PAUSED' | 'DOWN'
  pid: number | null
  /** When it became ready, ms since 1970. */
  startedAtMs: number | null
  /** How often it was started again. */
  restarts: number
}

/** Keeps one service or server running until it is asked to stop. */
export class Supervisor<Running extends Child = Child> {
  readonly name: string
  readonly #supervision: Supervision<Running>
  readonly #stopping = new AbortController()
  #latest: Promise<Running> | undefined
  /** Since when it is ready; undefined while it is not. */
  #ready: { running: Running; sinceMs: number } | undefined
  #isStarting = false
  #restarts = 0
  /** Its end was requested: no crash, so no back-off. */
  #isRestarting = false
  #isPaused = false

  constructor(supervision: Supervision<Running>) {
    this.#supervision = supervision
    this.name = supervision.name
  }

  /** @throws when it fails for a reason that a retry does not mend, or after the last retry. */
  async start(): Promise<Running> {
    for (let failures = 0; ; failures += 1) {
      try {
        const running = await this.#startOnce()
        void this.#keepRunning(running)
        return running
      } catch (error) {
        const mayPass = error instanceof EndedEarly && failures < FIRST_RETRIES
        if (!mayPass || this.#stopping.signal.aborted) throw error
        await this.#pauseBeforeStart(error.message, FIRST_PAUSE_MS * 2 ** failures)
      }
    }
  }

  get state(): SupervisedState {
    return {
      state: this.#ready ? (this.#isPaused ? 'PAUSED' : 'RUNNING') : this.#isStarting ? 'STARTING' : 'DOWN',
      pid: this.#ready?.running.pid ?? null,
      startedAtMs: this.#ready?.sinceMs ?? null,
      restarts: this.#restarts,
    }
  }

  /** Kills it (SIGKILL) and starts it again, as after any crash. False when it is not running. */
  kill(): boolean {
    return this.#ready !== undefined && process.kill(this.#ready.running.pid, 'SIGKILL')
  }

  /** Stops it in order and starts it again at once. False when it is not running. */
  restart(): boolean {
    if (!this.#ready) return false
    this.resume()
    this.#isRestarting = true
    void this.#ready.running.stop()
    return true
  }

  /** Suspends it with all its children (SIGSTOP); its connections stay open. False when it is not running. */
  pause(): boolean {
    return this.#signal('SIGSTOP', !this.#isPaused)
  }

  /** False when it is not paused. */
  resume(): boolean {
    return this.#signal('SIGCONT', this.#isPaused)
  }

  #signal(signal: 'SIGSTOP' | 'SIGCONT', isApt: boolean): boolean {
    if (!this.#ready || !isApt) return false
    signalTree(this.#ready.running.pid, signal)
    this.#isPaused = signal === 'SIGSTOP'
    return true
  }

  /** From now on its end is neither mended nor reported. A start in progress gives up. */
  letGo(): void {
    this.#stopping.abort()
  }

  /** Works at any time, also while it is starting. */
  async stop(): Promise<void> {
    this.letGo()
    this.resume() // A paused process would not handle the signal.
    const running = await this.#latest?.catch(() => undefined)
    await running?.stop()
  }

  async #startOnce(): Promise<Running> {
    this.#isStarting = true
    try {
      this.#latest = this.#supervision.start(this.#stopping.signal)
      const running = await this.#latest
      this.#ready = { running, sinceMs: Date.now() }
      void running.ended.then(() => {
        this.#ready = undefined
        this.#isPaused = false
      })
      return running
    } finally {
      this.#isStarting = false
    }
  }

  async #keepRunning(running: Running): Promise<void> {
    const { signal } = this.#stopping
    let startedAt = Date.now()
    let what = await this.#endOf(running)
    for (let deaths = 0; !signal.aborted; deaths += 1) {
      if (this.#isRestarting || Date.now() - startedAt > CALM_MS) deaths = 0
      const pauseMs = this.#isRestarting ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** deaths, LONGEST_PAUSE_MS)
      this.#isRestarting = false
      await this.#pauseBeforeStart(what, pauseMs)
      if (signal.aborted) return
      startedAt = Date.now()
      this.#restarts += 1
      try {
        const next = await this.#startOnce()
        this.#supervision.say(`${this.name} runs again.`)
        what = await this.#endOf(next)
      } catch (error) {
        what = (error as Error).message
      }
    }
  }

  async #pauseBeforeStart(what: string, pauseMs: number): Promise<void> {
    this.#supervision.say(`${what}\nStarting ${this.name} again in ${pauseMs / 1_000} s.`)
    await sleep(pauseMs, undefined, { signal: this.#stopping.signal }).catch(() => {})
  }

  /** Resolves when it has ended, with what to say about it. */
  async #endOf(running: Running): Promise<string> {
    const why = await running.ended
    if (this.#stopping.signal.aborted) return `${this.name} was stopped.` // Its log may be gone by now.
    return this.#isRestarting
      ? `${this.name} was stopped, as asked.`
      : explain({ name: this.name, why, logFile: running.logFile, logFrom: running.logFrom })
  }
}
