import { z } from 'zod'
import type { ProcessAction, ProcessView } from '../core/contracts/control-room.ts'
import type { ProblemCode } from '../core/contracts/problems.ts'
import { ProblemError } from '../core/platform/http/problem.ts'

const ANSWER_LIMIT_MS = 2_000
const Refusal = z.object({ code: z.enum(['NOT_FOUND', 'FORBIDDEN', 'NOT_RUNNING']), detail: z.string() })

/** Client of the launcher's API: `npm start` knows its processes, kills, restarts and pauses them. */
export class Launcher {
  readonly #url: string
  readonly #token: string

  constructor(url: string, token: string) {
    this.#url = url
    this.#token = token
  }

  async processes(): Promise<ProcessView[]> {
    return ((await this.#ask('GET', '/processes')) as { processes: ProcessView[] }).processes
  }

  async act(name: string, action: ProcessAction): Promise<void> {
    await this.#ask('POST', `/processes/${encodeURIComponent(name)}/${action}`)
  }

  /** @throws ProblemError with the launcher's own refusal */
  async #ask(method: 'GET' | 'POST', path: string): Promise<unknown> {
    const answer = await fetch(this.#url + path, {
      method,
      headers: { authorization: `Bearer ${this.#token}` },
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    }).catch(() => {
      throw new ProblemError('UNAVAILABLE', 'The launcher does not answer.', { retryAfterSeconds: 2 })
    })
    const body: unknown = await answer.json().catch(() => undefined)
    if (answer.ok) return body
    const { success, data } = Refusal.safeParse(body)
    throw success
      ? new ProblemError(data.code satisfies ProblemCode, data.detail)
      : new ProblemError('UNAVAILABLE', `The launcher answered ${answer.status}.`, { retryAfterSeconds: 2 })
  }
}
