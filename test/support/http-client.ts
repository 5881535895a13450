import { eventually } from './eventually.ts'
import { stretched } from './patience.ts'

/** Longer than every wait of a service: a call without an answer by then hangs. */
const HANG_MS = 60_000

/** The answer to a call. */
export interface Answer {
  status: number
  headers: Headers
  /** The JSON body, of many shapes. */
  body: Record<string, unknown>
  /** The raw body. */
  text: string
}

/** A JSON client. A body of text or bytes is sent unchanged. @throws only without an answer in time, not on a status */
export async function call(
  method: string,
  url: string,
  options: { token?: string | undefined; body?: unknown; headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: {
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
      ...options.headers,
    },
    signal: options.signal ?? AbortSignal.timeout(stretched(HANG_MS)),
    ...(options.body === undefined ? {} : { body: bytesOf(options.body) }),
  })
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: text.startsWith('{') ? (JSON.parse(text) as Answer['body']) : { text },
  }
}

/**
 * Retries on 503 UNAVAILABLE, as the answer asks for. For crowds, which may keep a server busy for longer than a
 * service waits for it.
 */
export function callUntilAvailable(...args: Parameters<typeof call>): Promise<Answer> {
  return eventually(
    'an answer other than UNAVAILABLE',
    () => call(...args),
    ({ body }) => body.code !== 'UNAVAILABLE',
  )
}

function bytesOf(body: unknown): string | Uint8Array<ArrayBuffer> {
  if (body instanceof Uint8Array) return new Uint8Array(body)
  return typeof body === 'string' ? body : JSON.stringify(body)
}
