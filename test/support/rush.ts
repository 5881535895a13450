import { inParallel } from './parallel.ts'
import { stretched } from './patience.ts'
import type { System } from './system.ts'

/** Longer than any wait of the gateway, by far: whoever is not answered by then hangs. */
const HANG_MS = 15_000

export interface Attempt {
  token: string
  status: number
  code: string
  reservationId: string
  retryAfter: string | null
}

/**
 * Buyers who come ten at a time; who is refused may come again after the others. @throws when one of them is left
 * without an answer
 */
export class Rush {
  readonly attempts: Attempt[] = []
  readonly #system: System
  readonly #saleId: string
  readonly #tokens: string[]

  private constructor(system: System, saleId: string, tokens: string[]) {
    this.#system = system
    this.#saleId = saleId
    this.#tokens = tokens
  }

  /** Signs the buyers in. */
  static async of(system: System, saleId: string, buyers: number): Promise<Rush> {
    return new Rush(system, saleId, await inParallel(buyers, 10, (i) => system.signIn(`${saleId} ${i}`)))
  }

  /** Lets the next ones buy. */
  async run(buyers: number): Promise<Attempt[]> {
    return await inParallel(buyers, 10, () => this.#attempt(this.#tokens.shift() ?? ''))
  }

  /** What buyers were promised. */
  get accepted(): Attempt[] {
    return this.attempts.filter(({ status }) => status === 202)
  }

  /** Waits for the end of every accepted reservation; returns the statuses that occurred. */
  async ends(): Promise<string[]> {
    const ends = await inParallel(this.accepted.length, 10, (i) =>
      this.#system.settled(this.accepted[i]?.reservationId ?? '', this.accepted[i]?.token ?? ''),
    )
    return [...new Set(ends.map(({ status }) => String(status)))]
  }

  async #attempt(token: string): Promise<Attempt> {
    const { status, body, headers } = await answered(this.#system.buyUntilAvailable(this.#saleId, token))
    const attempt = {
      token,
      status,
      code: text(body.code),
      reservationId: text(body.id),
      retryAfter: headers.get('retry-after'),
    }
    this.attempts.push(attempt)
    if (status !== 202) this.#tokens.push(token)
    return attempt
  }
}

const text = (value: unknown) => (typeof value === 'string' ? value : '')

async function answered<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const hangMs = stretched(HANG_MS)
  const hanging = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`a buyer has waited ${hangMs} ms for an answer`)), hangMs)
  })
  return await Promise.race([answer, hanging]).finally(() => clearTimeout(timer))
}
