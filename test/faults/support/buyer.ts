import { setTimeout as sleep } from 'node:timers/promises'
import { Buyer, type BuyerCall } from '../../../control-room/crowd/buyer.ts'
import { comeBackMs } from '../../../core/contracts/come-back.ts'
import type { Answer } from '../../support/http-client.ts'
import type { Calls } from './calls.ts'
import type { Random } from './random.ts'
import type { Wishes } from './wishes.ts'

export type Plan = 'pays' | 'pays late' | 'cancels' | 'lapses'

/** A reservation that was answered with 202, as its buyer knows it. */
export interface Held {
  id: string
  /** The last status that the buyer was shown. */
  seen: string
  /** The final status. */
  end?: 'PAID' | 'CANCELLED' | 'REJECTED'
}

export interface BuyerOptions {
  id: string
  token: string
  saleId: string
  /** Of this purchase, when the buyer makes several. */
  key: string | undefined
  plan: Plan
  /** For the first order. A buyer who has to come again pays. */
  wishes: Wishes
  gateways: readonly string[]
  calls: Calls
  random: Random
  /** Every unit is paid for. */
  isOver: () => boolean
  /** The test has given up. */
  isAbandoned: () => boolean
}

/** One purchase of a buyer: wants one unit, and retries each call whose outcome is unknown. */
export class PlannedBuyer extends Buyer<Answer | undefined> {
  /** In the order of the answers; a reservation that is answered again after another one stands there twice. */
  readonly held: Held[] = []
  plan: Plan
  readonly #options: BuyerOptions
  #gateway: number
  /** Answers in a row that were missing or asked to come back, and when by `performance.now()`. */
  #failures = 0
  #comeBackAtMs = 0
  /** Orders for which the plan was carried out, with any outcome. */
  readonly #dealtWith = new Set<string>()

  constructor(options: BuyerOptions) {
    super(options.id, options.token, (call) => this.#send(call))
    this.#options = options
    this.plan = options.plan
    this.#gateway = options.random.between(0, options.gateways.length - 1)
  }

  /** Ends when a unit is paid for, or every unit of the sale is. */
  async shop(): Promise<void> {
    const { isOver, isAbandoned } = this.#options
    while (!isAbandoned()) {
      const open = this.held.find((held) => !held.end)
      if (open) await this.#bringOn(open)
      else if (isOver() || this.held.some((held) => held.end === 'PAID')) return
      else await this.#askForOne()
    }
  }

  async #askForOne(): Promise<void> {
    const { random, saleId, key } = this.#options
    const wishes = this.held.length === 0 ? this.#options.wishes : {}
    // Some click twice, and some once more after a 202.
    const clicks = random.chance(0.2) ? 2 : 1
    const answers = await Promise.all(Array.from({ length: clicks }, () => this.reserve(saleId, wishes, key)))
    if (answers.some((answer) => answer?.status === 202) && random.chance(0.2))
      answers.push(await this.reserve(saleId, wishes, key))
    for (const answer of answers)
      if (answer?.status === 202) this.#note(String(answer.body.id), String(answer.body.status))
    await this.#pause()
  }

  #note(id: string, seen: string): void {
    if (this.held.at(-1)?.id !== id) this.held.push({ id, seen })
  }

  /** Reads the reservation once, and takes the next step of the plan when there is one. */
  async #bringOn(held: Held): Promise<void> {
    const answer = await this.readReservation(held.id)
    if (answer?.status === 200) {
      held.seen = String(answer.body.status)
      if (held.seen === 'PAID' || held.seen === 'CANCELLED' || held.seen === 'REJECTED') held.end = held.seen
      if (held.seen === 'ORDERED') await this.#dealWith(held, String(answer.body.orderId))
    }
    if (!held.end) await this.#pause()
  }

  /** Reads the order itself: the reservation need not say that it is paid. */
  async #dealWith(held: Held, orderId: string): Promise<void> {
    const order = await this.readOrder(orderId)
    if (order?.body.status === 'PAID') held.end = 'PAID'
    if (order?.body.status !== 'PENDING_PAYMENT' || this.#dealtWith.has(orderId)) return
    const isDone = await this.#carryOutPlan(orderId, Date.parse(String(order.body.paymentDeadline)))
    if (isDone) this.#dealtWith.add(orderId)
    // A buyer who let it lapse or cancelled it pays next time, so that the sale can end.
    if (isDone) this.plan = 'pays'
  }

  /** @returns whether an answer says that it is done, or can no longer be done */
  async #carryOutPlan(orderId: string, deadlineMs: number): Promise<boolean> {
    switch (this.plan) {
      case 'lapses':
        return true
      case 'cancels':
        return isAnswered(await this.cancel(orderId))
      case 'pays':
      case 'pays late': {
        const payment = await this.openPayment(orderId)
        // Coupon and points are still being taken.
        if (!isAnswered(payment) || payment.body.code === 'NOT_READY') return false
        if (payment.status >= 400) return true
        // From just in time to a second late: then the money comes for an order that is cancelled.
        if (this.plan === 'pays late') await this.#waitUntil(deadlineMs + this.#options.random.between(-400, 1_200))
        return await this.#payAtLast(String(payment.body.url))
      }
    }
  }

  async #payAtLast(url: string): Promise<boolean> {
    while (!this.#options.isAbandoned()) {
      if (await this.pay(url)) return true
      await this.#pause()
    }
    return false
  }

  /** Stays with a gateway until it gives no answer. */
  async #send(call: BuyerCall): Promise<Answer | undefined> {
    const { calls, gateways } = this.#options
    const to = call.step === 'pay' ? call.to : `${gateways[this.#gateway] ?? ''}${call.to}`
    const { answer, retryAfterMs } = await calls.make(this.id, { ...call, to })
    if (!answer && call.step !== 'pay') this.#gateway = (this.#gateway + 1) % gateways.length
    this.#failures = isAnswered(answer) ? 0 : this.#failures + 1
    if (this.#failures > 0) this.#comeBackAtMs = performance.now() + comeBackMs(this.#failures, retryAfterMs)
    return answer
  }

  async #waitUntil(timeMs: number): Promise<void> {
    while (Date.now() < timeMs && !this.#options.isAbandoned()) await sleep(50)
  }

  async #pause(): Promise<void> {
    const leastMs = this.#options.random.between(200, 700)
    const untilMs = Math.max(performance.now() + leastMs, this.#comeBackAtMs)
    while (performance.now() < untilMs && !this.#options.isAbandoned()) await sleep(50)
  }
}

/** BUSY is an answer, too, but says that nothing was done. */
const isAnswered = (answer: Answer | undefined): answer is Answer => answer !== undefined && answer.status !== 503
