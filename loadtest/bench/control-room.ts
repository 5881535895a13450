import { setTimeout as delay } from 'node:timers/promises'

/** As much of the audit's answer as is asked for here. */
export interface Audit {
  balanced: boolean
  quiet: boolean
  sales: { saleId: string; stock: number; sold: number; checks: { name: string; state: string; detail: string }[] }[]
}

const ANSWER_LIMIT_MS = 120_000
const QUIET_LIMIT_MS = 90_000
const HOUR_MS = 3_600_000

/** Makes sales and has them audited, as the person who runs them does. */
export class ControlRoom {
  readonly #url: string
  readonly #token: string
  #sales = 0

  constructor(env: Record<string, string>) {
    this.#url = env.CONTROL_ROOM_URL ?? ''
    this.#token = env.ADMIN_TOKEN ?? ''
  }

  /** Open since a second ago, for hours. @returns its id */
  async openSale(stock: number): Promise<string> {
    const id = `bench-${++this.#sales}`
    await this.#ask('/sales', {
      id,
      title: 'Bench',
      priceCents: 1_000,
      stock,
      opensAt: new Date(Date.now() - 1_000),
      closesAt: new Date(Date.now() + 6 * HOUR_MS),
    })
    return id
  }

  /**
   * Of all sales, since an audit reads all of Redis, for one of them too. Looks until nothing is on its way, or for a
   * limited time.
   */
  async auditAtRest(): Promise<Audit> {
    for (const until = Date.now() + QUIET_LIMIT_MS; ; ) {
      const report = await this.#ask<Audit>('/audit')
      if (report.quiet || !report.balanced || Date.now() > until) return report
      await delay(500)
    }
  }

  async #ask<Answer>(path: string, body?: object): Promise<Answer> {
    const answer = await fetch(this.#url + path, {
      method: body ? 'POST' : 'GET',
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
      headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(`The control room answered ${answer.status} to ${path}: ${await answer.text()}`)
    return (await answer.json()) as Answer
  }
}
