import { z } from 'zod'
import { PaymentCallback } from '../../core/contracts/orders.ts'
import { SIGNATURE_HEADER, signatureAdvice, signatureFault, signBody } from '../../core/platform/http/signature.ts'
import { callProvider, jsonOf } from './call-provider.ts'
import { parseCallback } from './parse-callback.ts'
import type { CallbackReading, PaymentProvider } from './provider.ts'

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
    const headers = { 'content-type': 'application/json', [SIGNATURE_HEADER]: signBody(secret, body) }
    return jsonOf(await callProvider({ url, path, body, headers }), path)
  }

  return {
    createLink: async (payment) => LinkAnswer.parse(await call('/links', payment)).url,
    refund: async (refund) => {
      await call('/refunds', refund)
    },
    readCallback(headers, rawBody) {
      const header = headers[SIGNATURE_HEADER.toLowerCase()]
      const fault = signatureFault(secret, typeof header === 'string' ? header : undefined, rawBody)
      return fault ? { outcome: 'BAD_SIGNATURE', detail: signatureAdvice[fault] } : readMoney(rawBody)
    },
  }
}

function readMoney(rawBody: Buffer): CallbackReading {
  const read = parseCallback(PaymentCallback, rawBody)
  if ('outcome' in read) return read
  const { currency, ...money } = read.parsed
  return { outcome: 'RECEIVED', money, currency }
}
