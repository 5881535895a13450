import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { noRequests, type RushRequest, type RushView } from '../../core/contracts/control-room.ts'
import type { Logger } from '../../core/platform/process/log.ts'
import { TYPESCRIPT_ARGS } from '../../core/platform/process/typescript-args.ts'
import type { CrowdPlan, CrowdReport } from './plan.ts'

export interface RushesDeps {
  gatewayUrl: string
  tokenSecret: string
  /** Where the simulated buyers pay; by the link itself when undefined. */
  paymentUrl: string | undefined
  log: Logger
}

/** Sends crowds of simulated buyers, one at a time, each in a process of its own. */
export class Rushes {
  readonly #deps: RushesDeps
  #child: ChildProcess | undefined
  #latest: RushView | null = null

  constructor(deps: RushesDeps) {
    this.#deps = deps
  }

  /** The crowd that is at it, or the last one; null when there was none. */
  latest = (): RushView | null => this.#latest

  get isRunning(): boolean {
    return isAtIt(this.#latest)
  }

  start(saleId: string, { buyers, seconds }: RushRequest): RushView {
    const { gatewayUrl, tokenSecret, paymentUrl, log } = this.#deps
    const view: RushView = {
      state: 'RUNNING',
      saleId,
      buyers,
      seconds,
      startedAtMs: Date.now(),
      elapsedSeconds: 0,
      asked: 0,
      answers: noRequests(),
      unanswered: 0,
      perSecond: 0,
      perSecondMax: 0,
      paid: 0,
    }
    this.#latest = view
    const child = fork(join(import.meta.dirname, 'crowd.ts'), {
      execArgv: TYPESCRIPT_ARGS,
      env: {},
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#child = child
    child.on(
      'message',
      (report: CrowdReport) =>
        isAtIt(view) && Object.assign(view, report, { elapsedSeconds: (Date.now() - view.startedAtMs) / 1_000 }),
    )
    child.on('error', (error) => log.error({ err: error }, 'the crowd could not be started'))
    child.once('close', () => {
      // Whoever stopped it has said so.
      if (isAtIt(view)) view.state = 'FAILED'
      view.perSecond = 0
    })
    child.send({
      gatewayUrl,
      tokenSecret,
      paymentUrl,
      saleId,
      run: randomBytes(4).toString('hex'),
      buyers,
      seconds,
    } satisfies CrowdPlan)
    return view
  }

  /** Ends the crowd that is at it; what it has asked for stays asked for. */
  stop(): RushView | null {
    if (this.#latest && isAtIt(this.#latest)) {
      this.#latest.state = 'STOPPED'
      this.#child?.kill('SIGKILL')
    }
    return this.#latest
  }
}

const isAtIt = (view: RushView | null) => view?.state === 'RUNNING' || view?.state === 'PAYING'
