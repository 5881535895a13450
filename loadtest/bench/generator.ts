import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { FromWorker, LoadPlan, LoadResult, Sample, ToWorker } from './load/plan.ts'

/** Enough for the fastest answer there is, "sold out", from two processes. */
const BUYERS_PER_SECOND_MAX = 60_000

/** The load generator: always its own process, so that its CPU is nobody else's. */
export class Generator {
  readonly #child: ChildProcess
  readonly #buyers: number

  /** Signs enough buyers in, the first time it runs, for `seconds` of the fastest answers. */
  constructor(tokenSecret: string, seconds: number) {
    this.#buyers = BUYERS_PER_SECOND_MAX * seconds
    this.#child = fork(join(import.meta.dirname, 'load/worker.ts'), {
      execArgv: ['--import', 'tsx'],
      env: { ...process.env, TOKEN_SECRET: tokenSecret },
    })
    this.#child.setMaxListeners(0)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** @throws when the generator could not do it, or has ended. */
  async run(plan: LoadPlan, onSample: (sample: Sample) => void = () => {}): Promise<LoadResult> {
    const message: ToWorker = { plan, signIn: this.#buyers }
    return await new Promise((resolve, reject) => {
      const settle = (finish: () => void) => {
        this.#child.off('message', onMessage).off('exit', onExit)
        finish()
      }
      const onExit = () => settle(() => reject(new Error('The load generator has ended.')))
      const onMessage = ({ result, sample, error }: FromWorker) => {
        if (sample) onSample(sample)
        if (result) settle(() => resolve(result))
        if (error !== undefined) settle(() => reject(new Error(error)))
      }
      this.#child.on('message', onMessage).once('exit', onExit)
      this.#child.send(message)
    })
  }

  stop(): void {
    if (this.#child.connected) this.#child.disconnect()
  }
}
