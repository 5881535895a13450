import { setTimeout as sleep } from 'node:timers/promises'
import type { Child, ProcessId } from '../../../dev/processes.ts'
import { startService } from '../../../dev/services.ts'
import { serviceArgs } from '../../bundles.ts'
import { signalTree } from '../../../dev/process-tree.ts'
import { until } from './until.ts'

/** What an orchestrator takes to notice. No longer after the tenth death: here dying is the purpose. */
const RESTART_PAUSE_MS = 300
const READY_LIMIT_MS = 90_000

export interface InstanceOptions {
  /** Among all instances: "gateway-1". */
  name: string
  /** The room it lives in. */
  service: string
  env: NodeJS.ProcessEnv
  logFile: string
  onStart: (name: string, id: ProcessId) => void
}

/** One process of a service, as in production, started again whenever it ends. */
export class Instance {
  readonly name: string
  readonly logFile: string
  readonly #options: InstanceOptions
  readonly #stopping = new AbortController()
  #pid = 0
  #isReady = false
  #isPaused = false
  #keeping: Promise<void> | undefined
  #starts = 0

  constructor(options: InstanceOptions) {
    this.#options = options
    this.name = options.name
    this.logFile = options.logFile
  }

  /** @throws when it does not come up the first time. */
  async start(): Promise<void> {
    this.#keeping = this.#keepRunning(await this.#startOnce())
  }

  get isReady(): boolean {
    return this.#isReady
  }

  /** Number of starts. */
  get starts(): number {
    return this.#starts
  }

  async ready(): Promise<void> {
    await until(`${this.name} to be ready`, READY_LIMIT_MS, () => this.#isReady)
  }

  /** With SIGKILL, all of its processes at once. */
  kill(): void {
    this.#isReady = false
    signalTree(this.#pid, 'SIGKILL')
  }

  /** Sends SIGTERM, on which it drains, as for an update. */
  terminate(): void {
    this.#isReady = false
    this.resume()
    if (this.#pid > 0) process.kill(this.#pid, 'SIGTERM')
  }

  pause(): void {
    signalTree(this.#pid, 'SIGSTOP')
    this.#isPaused = true
  }

  resume(): void {
    if (this.#isPaused) signalTree(this.#pid, 'SIGCONT')
    this.#isPaused = false
  }

  /** Kills it without a restart. */
  async end(): Promise<void> {
    this.#stopping.abort()
    this.kill()
    await this.#keeping
  }

  async #startOnce(): Promise<Child> {
    const { name, service, env, logFile, onStart } = this.#options
    this.#starts += 1
    const running = await startService({
      service: { name: service },
      env,
      program: serviceArgs(service),
      logFile,
      signal: this.#stopping.signal,
      onStart: (_, id) => {
        this.#pid = id.pid
        onStart(name, id)
      },
    })
    this.#isReady = true
    return running
  }

  async #keepRunning(first: Child): Promise<void> {
    const { signal } = this.#stopping
    for (let running: Child | undefined = first; ; ) {
      await running?.ended
      this.#isReady = false
      // From here on the pid may be another process's.
      this.#pid = 0
      await sleep(RESTART_PAUSE_MS, undefined, { signal }).catch(() => {})
      if (signal.aborted) return
      // A start that fails because a server is down counts as another death.
      running = await this.#startOnce().catch(() => undefined)
    }
  }
}
