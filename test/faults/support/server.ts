import type { RunningServer } from '../../../dev/servers/running-server.ts'
import { signalTree } from '../../../dev/process-tree.ts'

/** A server that can be killed, stopped and paused, and is restarted on its port with its data. */
export class Server<Running extends RunningServer = RunningServer> {
  readonly #launch: () => Promise<Running>
  #running: Running | undefined
  #isPaused = false

  private constructor(launch: () => Promise<Running>) {
    this.#launch = launch
  }

  /** `launch` starts it on the same port and the same data every time. */
  static async start<Running extends RunningServer>(launch: () => Promise<Running>): Promise<Server<Running>> {
    const server = new Server(launch)
    await server.start()
    return server
  }

  get running(): Running {
    if (!this.#running) throw new Error('The server is down')
    return this.#running
  }

  /** Resolves when it takes clients again. */
  async start(): Promise<void> {
    this.#running ??= await this.#launch()
  }

  /** With SIGKILL; what it had written is there when it starts again. */
  async kill(): Promise<void> {
    const running = this.#running
    this.#running = undefined
    if (!running) return
    signalTree(running.pid, 'SIGKILL')
    await running.ended
  }

  /** An orderly shutdown, which closes the connections. */
  async stop(): Promise<void> {
    const running = this.#running
    this.#running = undefined
    if (!running) return
    // A paused process would not handle the signal.
    signalTree(running.pid, 'SIGCONT')
    await running.stop()
  }

  /** Suspends it; its connections stay open. */
  pause(): void {
    if (!this.#running) return
    signalTree(this.#running.pid, 'SIGSTOP')
    this.#isPaused = true
  }

  /** Resumes it; it then handles what has queued up. */
  resume(): void {
    if (this.#running && this.#isPaused) signalTree(this.#running.pid, 'SIGCONT')
    this.#isPaused = false
  }
}
