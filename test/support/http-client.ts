import { eventually } from './eventually.ts'
import { stretched } from './patience.ts'

/** More than any wait of a service: who is not answered by then hangs. */
const HANG_MS = 60_000

/** What a call answered: status, headers, and the JSON body. */
export interface Answer {
  status: number
  headers: Headers
  // Bodies of many shapes; tests look at what they expect.
  body: Record<string, unknown>
  /** The body as it came. */
  text: string
}

/**
 * A JSON client that never throws on a status; only when there is no answer, or none in time. A body of text or bytes
 * is sent as it is.
 */
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
 * Asks again for as long as the answer is that nobody knows (503 UNAVAILABLE), as one does who is told to come back.
 * For crowds: together they may keep a server for longer than a service waits for it.
 */
export function callAtLast(...asked: Parameters<typeof call>): Promise<Answer> {
  return eventually(
    'an answer that is known',
    () => call(...asked),
    ({ body }) => body.code !== 'UNAVAILABLE',
  )
}

function bytesOf(body: unknown): string | Uint8Array<ArrayBuffer> {
  if (body instanceof Uint8Array) return new Uint8Array(body)
  return typeof body === 'string' ? body : JSON.stringify(body)
}
