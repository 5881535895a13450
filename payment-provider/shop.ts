import { createHash } from 'node:crypto'
import pRetry, { AbortError } from 'p-retry'
import { Agent, request } from 'undici'
import { type PaymentCallback, PaymentCallbackAnswer } from '../core/contracts/orders.ts'
import type { Logger } from '../core/platform/process/log.ts'
import { SIGNATURE_HEADER, signBody } from '../core/platform/http/signature.ts'
import type { Payment } from './link-tokens.ts'

/**
 * 5 tries with pauses of 0.25, 0.5, 1 and 2 s, each up to twice as long by chance, as long as a buyer waits at the page. A
 * real provider retries for days.
 */
const RETRIES = { retries: 4, minTimeout: 250, factor: 2, maxTimeout: 2_000, randomize: true }
const ANSWER_LIMIT_MS = 3_000
const CLOCK_LIMIT_MS = 1_000
/** A request that is ended while it connects waits for this limit, which undici keeps to the second. */
const gateway = new Agent({ connect: { timeout: 2_000 } })

export type Reported =
  | { outcome: 'PAID' | 'ALREADY_COUNTED' | 'REFUND_DUE' }
  /** The shop refuses the payment for good. */
  | { outcome: 'REFUSED'; status: number }
  /** Unknown whether the payment was counted: report it again. */
  | { outcome: 'UNANSWERED' }

export interface Shop {
  reportMoney: (payment: Payment) => Promise<Reported>
  /** The shop's clock, to the second. @throws when it does not answer */
  nowMs: () => Promise<number>
}

/** Reports payments to the shop by signed callbacks, with retries. */
export function shopAt({ url, secret, log }: { url: string; secret: string; log: Logger }): Shop {
  const callback = `${url}/payments/callback`

  async function send(body: string): Promise<Reported> {
    // fetch takes three times the CPU.
    const { statusCode, body: answer } = await request(callback, {
      method: 'POST',
      body,
      dispatcher: gateway,
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
      // Signed anew for each try: a signature is valid for five minutes.
      headers: { 'content-type': 'application/json', [SIGNATURE_HEADER]: signBody(secret, body) },
    })
    const text = await answer.text()
    if (statusCode >= 200 && statusCode < 300) return PaymentCallbackAnswer.parse(JSON.parse(text))
    const refusal = new ShopRefusal(statusCode, text)
    throw isFinal(statusCode) ? new AbortError(refusal) : refusal
  }

  return {
    async nowMs() {
      const answer = await fetch(new URL('/livez', url), { signal: AbortSignal.timeout(CLOCK_LIMIT_MS) })
      await answer.arrayBuffer()
      return Date.parse(answer.headers.get('date') ?? '')
    },
    async reportMoney(payment) {
      const body = JSON.stringify({ ...payment, providerRef: providerRef(payment.paymentId) } satisfies PaymentCallback)
      try {
        return await pRetry(() => send(body), {
          ...RETRIES,
          onFailedAttempt: ({ error, attemptNumber }) =>
            log.warn({ err: error.message, paymentId: payment.paymentId, attemptNumber }, 'callback failed'),
        })
      } catch (error) {
        log.error({ err: error, paymentId: payment.paymentId }, 'the shop did not confirm the payment')
        return error instanceof ShopRefusal && isRefused(error.status)
          ? { outcome: 'REFUSED', status: error.status }
          : { outcome: 'UNANSWERED' }
      }
    },
  }
}

/** The same for every attempt at one payment, so that paying twice is one payment. */
function providerRef(paymentId: string): string {
  return `demo-${createHash('sha256').update(paymentId).digest('hex').slice(0, 24)}`
}

class ShopRefusal extends Error {
  readonly status: number

  constructor(status: number, body: string) {
    super(`The shop answered ${status}, expected 2xx: ${body.slice(0, 300)}`)
    this.status = status
  }
}

const isRefused = (status: number) => status >= 400 && status < 500 && status !== 429
/**
 * A payment may be unknown for a moment (404) and a rate limit passes (429); other refusals are final.
 */
const isFinal = (status: number) => isRefused(status) && status !== 404
