import { Agent, request } from 'undici'
import { ProviderUnavailable } from './provider.ts'

/** Short, because a buyer waits for the link; it covers the whole answer. */
const ANSWER_LIMIT_MS = 3_000
/** A request that is ended while it connects waits for this limit, which undici keeps to the second. */
const provider = new Agent({ connect: { timeout: 2_000 } })

export interface ProviderCall {
  url: string
  path: string
  body: string
  headers: Record<string, string>
}

export interface ProviderAnswer {
  status: number
  text: string
}

/** A redirect is not followed. @throws ProviderUnavailable when no answer comes in time */
export async function callProvider({ url, path, body, headers }: ProviderCall): Promise<ProviderAnswer> {
  try {
    // Each payment makes a call, and fetch takes three times the CPU.
    const answer = await request(`${url}${path}`, {
      method: 'POST',
      body,
      dispatcher: provider,
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
      headers,
    })
    return { status: answer.statusCode, text: await answer.body.text() }
  } catch (error) {
    throw new ProviderUnavailable(
      `No answer from the payment provider at ${url} within ${ANSWER_LIMIT_MS} ms: ${(error as Error).message}`,
      { cause: error },
    )
  }
}

/** The JSON of an answer with 2xx. @throws ProviderUnavailable for any other status */
export function jsonOf({ status, text }: ProviderAnswer, path: string): unknown {
  if (status < 200 || status >= 300)
    throw new ProviderUnavailable(
      `The payment provider answered ${path} with ${status}, expected 2xx: ${text.slice(0, 200)}`,
    )
  return JSON.parse(text)
}
