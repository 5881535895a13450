import { setTimeout as delay } from 'node:timers/promises'
import { Agent, request } from 'undici'
import type { PaidOrder } from './plan.ts'
import { addMs, durations } from './tally.ts'

const CONNECTIONS_MAX = 512
const ORDER_LIMIT_MS = 60_000
/** For designs that cannot hold a request open until the order is there. */
const LOOK_EVERY_MS = 20

/** The second when the provider had to report the money again, because the shop's answer came too late. */
const PAID = ['PAID', 'ALREADY_COUNTED']

type Answer = Partial<Record<'id' | 'status' | 'orderId' | 'url' | 'outcome', string>>

/** What buyers do after their 202, as real ones do it: wait for the order, open its payment, pay. */
export class PayingBuyers {
  readonly toOrder = durations()
  readonly orders: PaidOrder[] = []
  readonly #agent = new Agent({ connections: CONNECTIONS_MAX })
  readonly #origin: string

  constructor(origin: string) {
    this.#origin = origin
  }

  /**
   * @param accepted the body of the answer that accepted the buyer @returns why a step failed; undefined when it is
   * paid
   */
  async pay(accepted: string, token: string): Promise<Error | undefined> {
    return await this.#payOrFail(accepted, token).catch((error: Error) => error)
  }

  async #payOrFail(accepted: string, token: string): Promise<undefined> {
    const acceptedAtMs = Date.now()
    const { id = '', status } = JSON.parse(accepted) as Answer
    const orderId = status === 'ORDERED' ? id : await this.#untilOrdered(id, token)
    addMs(this.toOrder, Date.now() - acceptedAtMs)
    // A naive design takes the money itself; the shop answers with its provider's link.
    const { url } = await this.#call('POST', `/orders/${orderId}/payments`, token)
    const { outcome = '' } = url === undefined ? { outcome: 'PAID' } : await this.#call('POST', url)
    if (!PAID.includes(outcome)) throw new Error(`a payment was ${outcome}`)
    this.orders.push({ id: orderId, acceptedAtMs })
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  async #untilOrdered(reservationId: string, token: string): Promise<string> {
    for (const until = Date.now() + ORDER_LIMIT_MS; Date.now() < until; await delay(LOOK_EVERY_MS)) {
      const { status, orderId } = await this.#call('GET', `/reservations/${reservationId}`, token)
      if (status === 'ORDERED' && orderId !== undefined) return orderId
      if (status !== 'RESERVED') throw new Error(`a reservation became ${status}`)
    }
    throw new Error(`a reservation was no order after ${ORDER_LIMIT_MS / 1_000} s`)
  }

  /** Repeats what was refused for a moment or not known yet, as a page does. */
  async #call(method: 'GET' | 'POST', to: string, token?: string): Promise<Answer> {
    for (const until = Date.now() + ORDER_LIMIT_MS; ; await delay(LOOK_EVERY_MS)) {
      const { statusCode, text } = await this.#callOnce(method, to, token)
      if (statusCode < 300) return JSON.parse(text) as Answer
      const isForAMoment = statusCode >= 500 || (statusCode === 409 && text.includes('"NOT_READY"'))
      if (!isForAMoment || Date.now() > until)
        throw new Error(`${method} ${to.slice(0, 60)}: ${statusCode} ${text.slice(0, 200)}`)
    }
  }

  async #callOnce(method: 'GET' | 'POST', to: string, token?: string) {
    const { statusCode, body } = await request(new URL(to, this.#origin), {
      dispatcher: this.#agent,
      method,
      headers: {
        accept: 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(method === 'GET' ? { prefer: 'wait=20' } : { 'content-type': 'application/json' }),
      },
      body: method === 'GET' ? null : '{}',
    })
    return { statusCode, text: await body.text() }
  }
}
