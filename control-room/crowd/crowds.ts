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

/** Where a crowd goes. */
export interface CrowdSale {
  id: string
  perBuyerLimit: number
}

/** Sends crowds of simulated buyers, one at a time, each in a process of its own. */
export class Crowds {
  readonly #deps: CrowdsDeps
  #child: ChildProcess | undefined
  #latest: CrowdView | null = null

  constructor(deps: CrowdsDeps) {
    this.#deps = deps
  }

  /** The running crowd, or the last one; null when there was none. */
  latest = (): CrowdView | null => this.#latest

  get isRunning(): boolean {
    return isActive(this.#latest)
  }

  start({ id: saleId, perBuyerLimit }: CrowdSale, { buyers, seconds }: CrowdRequest): CrowdView {
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
        isActive(view) && Object.assign(view, report, { elapsedSeconds: (Date.now() - view.startedAtMs) / 1_000 }),
    )
    child.on('error', (error) => log.error({ err: error }, 'the crowd could not be started'))
    child.once('close', () => {
      // A crowd that was stopped is no longer running here.
      if (isActive(view)) view.state = 'FAILED'
    })
    child.send({
      gatewayUrl,
      tokenSecret,
      paymentUrl,
      saleId,
      perBuyerLimit,
      run: randomBytes(4).toString('hex'),
      buyers,
      seconds,
    } satisfies CrowdPlan)
    return view
  }

  /** Kills the running crowd; purchases that it has sent still take effect. */
  stop(): CrowdView | null {
    if (this.#latest && isActive(this.#latest)) {
      this.#latest.state = 'STOPPED'
      this.#child?.kill('SIGKILL')
    }
    return this.#latest
  }
}

const isActive = (view: CrowdView | null) => view?.state === 'RUNNING' || view?.state === 'PAYING'
