import { z } from 'zod'
import { PaymentCallback } from '../../core/contracts/orders.ts'
import { SIGNATURE_HEADER, signatureAdvice, signatureFault, signBody } from '../../core/platform/http/signature.ts'
import { type CallbackReading, type PaymentProvider, ProviderUnavailable } from './provider.ts'

/** Short, because a buyer waits for the link. */
const ANSWER_LIMIT_MS = 3_000

const LinkAnswer = z.object({ url: z.url({ protocol: /^https?$/ }) })

export interface DemoProviderOptions {
  /** Base URL of the payment provider. */
  url: string
  /** Shared with the provider; signs calls in both directions. */
  secret: string
}

/** The demo's payment provider, `payment-provider/` in this repository. */
export function demoProvider({ url, secret }: DemoProviderOptions): PaymentProvider {
  async function call(path: string, message: object): Promise<unknown> {
    const body = JSON.stringify(message)
    const { status, text } = await send(path, body).catch((error: Error) => {
      throw new ProviderUnavailable(
        `No answer from the payment provider at ${url} within ${ANSWER_LIMIT_MS} ms: ${error.message}`,
        { cause: error },
      )
    })
    if (status < 200 || status >= 300)
      throw new ProviderUnavailable(
        `The payment provider answered ${path} with ${status}, expected 2xx: ${text.slice(0, 200)}`,
      )
    return JSON.parse(text)
  }

  /** The time limit covers the whole answer. */
  async function send(path: string, body: string): Promise<{ status: number; text: string }> {
    const answer = await fetch(`${url}${path}`, {
      method: 'POST',
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
      headers: { 'content-type': 'application/json', [SIGNATURE_HEADER]: signBody(secret, body) },
    })
    return { status: answer.status, text: await answer.text() }
  }

  return {
    createLink: async (payment) => LinkAnswer.parse(await call('/links', payment)).url,
    refund: async (refund) => {
      await call('/refunds', refund)
    },
    readCallback(headers, rawBody) {
      const header = headers[SIGNATURE_HEADER.toLowerCase()]
      const fault = signatureFault(secret, typeof header === 'string' ? header : undefined, rawBody)
      return fault ? { outcome: 'BAD_SIGNATURE', detail: signatureAdvice[fault] } : parseCallback(rawBody)
    },
  }
}

function parseCallback(rawBody: Buffer): CallbackReading {
  let json: unknown
  try {
    json = JSON.parse(rawBody.toString('utf8'))
  } catch {
    return { outcome: 'UNREADABLE', detail: `The body could not be parsed as JSON (${rawBody.length} bytes).` }
  }
  const parsed = PaymentCallback.safeParse(json)
  if (!parsed.success) return { outcome: 'UNREADABLE', detail: z.prettifyError(parsed.error) }
  const { currency, ...money } = parsed.data
  return { outcome: 'RECEIVED', money, currency }
}
