/** What one HTTP call of a buyer answered. */
export interface BuyerAnswer {
  status: number
  body: Record<string, unknown>
}

export type Step = 'reserve' | 'read' | 'open payment' | 'pay' | 'cancel'

export interface BuyerCall {
  step: Step
  method: 'GET' | 'POST'
  /** A path of the gateway, or the payment provider's URL. */
  to: string
  token?: string
  /** Idempotency-Key of a purchase. */
  key?: string
  body?: object
}

/** Sends one call; how it treats a missing answer is its own: it throws, or answers undefined. */
export type Send<Answer extends BuyerAnswer | undefined> = (call: BuyerCall) => Promise<Answer>

/** A simulated buyer of the control room and of the tests: each method is one HTTP call that a real buyer makes, too. */
export class Buyer<Answer extends BuyerAnswer | undefined> {
  readonly id: string
  readonly token: string
  readonly #send: Send<Answer>

  constructor(id: string, token: string, send: Send<Answer>) {
    this.id = id
    this.token = token
    this.#send = send
  }

  /** Each key is another purchase; without one it is always the same. */
  reserve(saleId: string, extras: object = {}, key?: string): Promise<Answer> {
    const [token, to] = [this.token, `/sales/${saleId}/reservations`]
    return this.#send({ step: 'reserve', method: 'POST', to, token, body: extras, ...(key !== undefined && { key }) })
  }

  readReservation(reservationId: string): Promise<Answer> {
    return this.#call('read', 'GET', `/reservations/${reservationId}`)
  }

  readOrder(orderId: string): Promise<Answer> {
    return this.#call('read', 'GET', `/orders/${orderId}`)
  }

  openPayment(orderId: string): Promise<Answer> {
    return this.#call('open payment', 'POST', `/orders/${orderId}/payments`, {})
  }

  cancel(orderId: string): Promise<Answer> {
    return this.#call('cancel', 'POST', `/orders/${orderId}/cancellation`, {})
  }

  /** Presses the button of the payment page. The provider knows the buyer by the link alone. */
  pay(paymentUrl: string): Promise<Answer> {
    return this.#send({ step: 'pay', method: 'POST', to: paymentUrl, body: {} })
  }

  #call(step: Step, method: 'GET' | 'POST', to: string, body?: object): Promise<Answer> {
    return this.#send({ step, method, to, token: this.token, ...(body && { body }) })
  }
}
