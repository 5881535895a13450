import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { noRequests, type CrowdRequest, type CrowdView } from '../../core/contracts/control-room.ts'
import type { Logger } from '../../core/platform/process/log.ts'
import { TYPESCRIPT_ARGS } from '../../core/platform/process/typescript-args.ts'
import type { CrowdPlan, CrowdReport } from './plan.ts'

export interface CrowdsDeps {
  gatewayUrl: string
  tokenSecret: string
  /** Where the simulated buyers pay; by the link itself when undefined. */
  paymentUrl: string | undefined
  log: Logger
}

/** Sends crowds of simulated buyers, one at a time, each in a process of its own. */
export class Crowds {
  readonly #deps: CrowdsDeps
  #child: ChildProcess | undefined
  #latest: CrowdView | null = null

  constructor(deps: CrowdsDeps) {
    this.#deps = deps
  }

  /** The crowd that is at it, or the last one; null when there was none. */
  latest = (): CrowdView | null => this.#latest

  get isRunning(): boolean {
    return isAtIt(this.#latest)
  }

  start(saleId: string, { buyers, seconds }: CrowdRequest): CrowdView {
    const { gatewayUrl, tokenSecret, paymentUrl, log } = this.#deps
    const view: CrowdView = {
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
  stop(): CrowdView | null {
    if (this.#latest && isAtIt(this.#latest)) {
      this.#latest.state = 'STOPPED'
      this.#child?.kill('SIGKILL')
    }
    return this.#latest
  }
}

const isAtIt = (view: CrowdView | null) => view?.state === 'RUNNING' || view?.state === 'PAYING'
