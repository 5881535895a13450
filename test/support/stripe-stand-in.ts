import { createHmac, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

interface Request {
  path: string
  idempotencyKey: string
  fields: URLSearchParams
}

/** Answers as Stripe's API does, on this machine: bearer keys, forms, and idempotency keys that hold for one body. */
export class StripeStandIn {
  readonly apiKey = `sk_test_${randomBytes(12).toString('hex')}`
  readonly secret = `whsec_${randomBytes(24).toString('hex')}`
  readonly requests: Request[] = []
  /** Answers the next refunds with these, instead of taking them. */
  readonly refusals: { status: number; body: object }[] = []
  refundStatus = 'succeeded'
  readonly #answers = new Map<string, { body: string; answer: object }>()
  readonly #server = createServer((req, res) => {
    void text(req).then((body) => {
      const { status, answer } = this.#answer(req, body)
      res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
    })
  })

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async open(): Promise<this> {
    await new Promise<void>((resolve) => void this.#server.listen(0, '127.0.0.1', resolve))
    return this
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  #answer(req: IncomingMessage, body: string): { status: number; answer: object } {
    const path = req.url ?? ''
    if (path === '/livez') return { status: 404, answer: {} }
    if (req.headers.authorization !== `Bearer ${this.apiKey}`)
      return { status: 401, answer: { error: { type: 'invalid_request_error', message: 'Invalid API Key provided' } } }
    const refusal = path === '/v1/refunds' ? this.refusals.shift() : undefined
    if (refusal) return { status: refusal.status, answer: refusal.body }
    const idempotencyKey = String(req.headers['idempotency-key'])
    this.requests.push({ path, idempotencyKey, fields: new URLSearchParams(body) })
    const earlier = this.#answers.get(idempotencyKey)
    if (earlier && earlier.body !== body) return { status: 400, answer: { error: { type: 'idempotency_error' } } }
    const id = randomBytes(12).toString('hex')
    const answer =
      earlier?.answer ??
      (path === '/v1/refunds'
        ? { id: `re_${id}`, status: this.refundStatus }
        : { id: `cs_${id}`, url: `https://checkout.stripe.example/c/pay/cs_${id}` })
    this.#answers.set(idempotencyKey, { body, answer })
    return { status: 200, answer }
  }
}

/** The header of an event; with several secrets as while one is rolled. */
export function stripeSignature(secrets: string[], body: string, nowMs = Date.now()): string {
  const t = Math.floor(nowMs / 1_000)
  const digests = secrets.map((secret) => `v1=${createHmac('sha256', secret).update(`${t}.${body}`).digest('hex')}`)
  return [`t=${t}`, ...digests].join(',')
}

interface Paid {
  paymentId: string
  orderId: string
  amount: number
  currency?: string
  intent?: string
}

const event = (type: string, object: object) =>
  JSON.stringify({
    id: `evt_${randomBytes(12).toString('hex')}`,
    object: 'event',
    api_version: '2025-09-30.clover',
    livemode: false,
    type,
    data: { object },
  })

const metadata = ({ paymentId, orderId }: Paid) => ({ payment_id: paymentId, order_id: orderId })

export const sessionCompleted = (paid: Paid, paymentStatus = 'paid', type = 'checkout.session.completed') =>
  event(type, {
    id: 'cs_1',
    object: 'checkout.session',
    mode: 'payment',
    payment_status: paymentStatus,
    amount_total: paid.amount,
    currency: paid.currency ?? 'cny',
    payment_intent: paid.intent ?? 'pi_1',
    metadata: metadata(paid),
  })

export const intentSucceeded = (paid: Paid) =>
  event('payment_intent.succeeded', {
    id: paid.intent ?? 'pi_1',
    object: 'payment_intent',
    amount: paid.amount,
    amount_received: paid.amount,
    currency: paid.currency ?? 'cny',
    metadata: metadata(paid),
  })

export const refundReported = (refundId: string, status: string) =>
  event(status === 'failed' ? 'refund.failed' : 'refund.updated', {
    id: 're_1',
    object: 'refund',
    status,
    metadata: { refund_id: refundId },
  })

export const otherEvent = (type: string, object: object = {}) => event(type, object)
