import type { Problem } from '../../core/contracts/problems.ts'
import type { ServerClock } from './clock.ts'

export interface Refusal {
  /** OFFLINE is the page's own code: no answer came. */
  code: Problem['code'] | 'OFFLINE'
  detail: string
  /** Wait so long before the next try. */
  retryAfterMs: number
  /** Of KEY_REUSED: what the buyer holds under that key. */
  reservation?: Problem['reservation']
  /** Of STOCK_IN_USE: units that are sold or held. */
  least?: Problem['least']
  /** Of CHANGED_MEANWHILE: what others have changed. */
  changes?: Problem['changes']
}

export type Answer<Body> = { ok: true; body: Body } | { ok: false; refusal: Refusal }

export interface Call {
  method?: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  token?: string | undefined
  body?: object
  headers?: Record<string, string>
  signal?: AbortSignal
  /** Learns from the answer's `serverTime`. */
  clock?: ServerClock
}

const RETRY_MS = 2_000
const ANSWER_LIMIT_MS = 15_000

/**
 * Asks our own origin. Never throws; what is not an answer of 2xx is a refusal. The caller says what Body it expects.
 */
export async function ask<Body>(path: string, call: Call = {}): Promise<Answer<Body>> {
  const { method = 'GET', body, signal, clock } = call
  const askedAtMs = performance.now()
  try {
    const response = await fetch(path, {
      method,
      headers: { ...headersOf(call), ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
      signal: signal ?? AbortSignal.timeout(ANSWER_LIMIT_MS),
      cache: 'no-store',
    })
    if (!response.ok) return { ok: false, refusal: await refusalOf(response) }
    const answer = (await response.json()) as Record<string, unknown>
    if (typeof answer.serverTime === 'string') clock?.learn(answer.serverTime, askedAtMs)
    return { ok: true, body: answer as Body }
  } catch {
    return { ok: false, refusal: offline }
  }
}

export function headersOf({ token, headers }: Pick<Call, 'token' | 'headers'>): Record<string, string> {
  return { ...headers, ...(token && { authorization: `Bearer ${token}` }) }
}

const offline: Refusal = { code: 'OFFLINE', detail: '', retryAfterMs: RETRY_MS }

export async function refusalOf(response: Response): Promise<Refusal> {
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem>
  return {
    code: problem.code ?? 'INTERNAL',
    detail: problem.detail ?? '',
    retryAfterMs: problem.retryAfterSeconds === undefined ? RETRY_MS : problem.retryAfterSeconds * 1_000,
    reservation: problem.reservation,
    least: problem.least,
    changes: problem.changes,
  }
}
