import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { LabEvent, LabRunView, LabView } from '../../core/contracts/labs.ts'
import { environmentFor } from '../../core/platform/process/config.ts'
import type { Logger } from '../../core/platform/process/log.ts'
import { TYPESCRIPT_ARGS } from '../../core/platform/process/typescript-args.ts'
import { follow } from './follow.ts'

const PROGRAM = join('lab', 'main.ts')
/** Its servers stop first. */
const STOP_LIMIT_MS = 15_000

/** Runs labs, one at a time, as `npm run lab` does: in a process of their own, on servers of their own. */
export class Labs {
  readonly #log: Logger
  #known: Promise<LabView[]> | undefined
  #child: ChildProcess | undefined
  #run: LabRunView | null = null

  constructor(log: Logger) {
    this.#log = log
  }

  /** Images have no labs. */
  static areHere = (): boolean => existsSync(PROGRAM)

  latest = (): LabRunView | null => this.#run

  get isRunning(): boolean {
    return this.#run?.state === 'RUNNING'
  }

  /** The labs do not change while this runs: they are asked once. */
  list(): Promise<LabView[]> {
    this.#known ??= this.#ask().catch((error: unknown) => {
      this.#known = undefined
      throw error
    })
    return this.#known
  }

  start(lab: string, off: string | undefined): LabRunView {
    const run: LabRunView = { lab, state: 'RUNNING', sides: [], result: null }
    this.#run = run
    const child = this.#spawn([lab, '--json', '--yes', ...(off === undefined ? [] : ['--off', off])])
    this.#child = child
    createInterface(child.stdout).on('line', (line) => follow(run, JSON.parse(line) as LabEvent))
    // On "exit" the last lines may still be in the pipe.
    child.once('close', (code) => {
      if (run.state === 'RUNNING') run.state = run.result ? 'DONE' : 'FAILED'
      if (run.state === 'FAILED') this.#log.error({ lab, code }, 'a lab could not run')
    })
    return run
  }

  async stop(): Promise<LabRunView | null> {
    const child = this.#child
    if (child && this.isRunning && this.#run) {
      this.#run.state = 'STOPPED'
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS)
      await ended
      clearTimeout(timer)
    }
    return this.#run
  }

  async #ask(): Promise<LabView[]> {
    let text = ''
    for await (const chunk of this.#spawn(['--json']).stdout) text += String(chunk)
    return JSON.parse(text) as LabView[]
  }

  #spawn(args: string[]) {
    return spawn(process.execPath, [...TYPESCRIPT_ARGS, PROGRAM, ...args], {
      // A lab finds its servers' programs, and gets none of this service's secrets.
      env: environmentFor(/^(PATH|HOME|TMPDIR|USER|REDIS_SERVER|RABBITMQ_SERVER|POSTGRES_BIN)$/),
      stdio: ['ignore', 'pipe', 'inherit'],
    })
  }
}
