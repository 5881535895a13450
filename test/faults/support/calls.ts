import type { BuyerCall, Step } from '../../../control-room/crowd/buyer.ts'
import { type Answer, call } from '../../support/http-client.ts'
import { stretched } from '../../support/patience.ts'

/**
 * What a caller knows afterwards. `unknown` may or may not have happened: no answer in time, or one that says so (5xx).
 */
export type Outcome = 'ok' | 'refused' | 'unknown'

export interface Call {
  step: Step
  buyerId: string
  outcome: Outcome
  startedAtMs: number
  endedAtMs: number
  /** 0 without an answer. */
  status: number
  /** Of a problem. */
  code: unknown
}

/** As long as a person waits. The provider retries its callback for up to 19 s. */
const PATIENCE_MS: Record<Step, number> = {
  reserve: 8_000,
  read: 8_000,
  'open payment': 12_000,
  pay: 20_000,
  cancel: 12_000,
}

/** Records the calls of a crowd with their outcomes. */
export class Calls {
  readonly made: Call[] = []
  /** Answers that must not occur: 5xx other than 503, and 503 without Retry-After. */
  readonly unplanned: string[] = []

  /**
   * @returns the answer, undefined when it is unknown what happened; and how long the shop asked to wait. Never throws.
   */
  async make(
    buyerId: string,
    { step, method, to, token, body, key }: BuyerCall,
  ): Promise<{ answer: Answer | undefined; retryAfterMs: number }> {
    const startedAtMs = Date.now()
    const answer = await call(method, to, {
      token,
      body,
      headers: { accept: 'application/json', ...(key !== undefined && { 'idempotency-key': key }) },
      signal: AbortSignal.timeout(stretched(PATIENCE_MS[step])),
    }).catch(() => undefined)
    const outcome = outcomeOf(answer)
    this.made.push({
      step,
      buyerId,
      outcome,
      startedAtMs,
      endedAtMs: Date.now(),
      status: answer?.status ?? 0,
      code: answer?.body.code,
    })
    if (answer && answer.status >= 500 && !(answer.status === 503 && answer.headers.has('retry-after'))) {
      this.unplanned.push(`${step} by ${buyerId}: ${answer.status} ${JSON.stringify(answer.body)}`)
    }
    const retryAfterMs = Number(answer?.headers.get('retry-after') ?? 0) * 1_000
    return { answer: outcome === 'unknown' ? undefined : answer, retryAfterMs }
  }
}

function outcomeOf(answer: Answer | undefined): Outcome {
  if (!answer) return 'unknown'
  if (answer.status < 400) return 'ok'
  // BUSY is the one 5xx that says that nothing was reserved.
  return answer.status < 500 || answer.body.code === 'BUSY' ? 'refused' : 'unknown'
}
