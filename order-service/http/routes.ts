import express, { type Express } from 'express'
import { z } from 'zod'
import type { OrderView } from '../../core/contracts/orders.ts'
import { OrderId } from '../../core/contracts/values.ts'
import type { ProblemCode } from '../../core/contracts/problems.ts'
import { isDataError } from '../../core/platform/stores/database.ts'
import { jsonBody } from '../../core/platform/http/json-body.ts'
import { parse, ProblemError } from '../../core/platform/http/problem.ts'
import type { RequestKind, RequestTurns } from '../../core/platform/http/request-turns.ts'
import { type BuyersHandler, signedIn } from '../../core/platform/http/signed-in.ts'
import type { Tokens } from '../../core/platform/http/tokens.ts'
import { traceFields, traceOf } from '../../core/platform/tracing/trace-request.ts'
import { moneyCounter } from '../payments/count-money.ts'
import { paymentOpener } from '../payments/open-payment.ts'
import { type PaymentProvider, ProviderUnavailable } from '../payments/provider.ts'
import { type CancellingDeps, cancelOrder } from './cancel-order.ts'
import { getEpochs } from './epochs.ts'
import { getOwnReservations } from './own-reservations.ts'
import { readOrder } from './read-order.ts'

export interface OrderRoutesDeps extends CancellingDeps {
  tokens: Tokens
  provider: PaymentProvider
  /** ISO 4217. */
  currency: string
  turns: Pick<RequestTurns, RequestKind>
}

const MAX_CALLBACK = '16kb'
const NoFields = z.strictObject({})

/** The buyer's own orders, the payment provider's callback, and epochs for gateways. */
export function orderRoutes(deps: OrderRoutesDeps): (app: Express) => void {
  const buyer = signedIn<{ orderId: string }>(deps.tokens)
  const { reading, paying, callback } = deps.turns
  return (app) => {
    app.get('/epochs', getEpochs(deps.database))
    app.get('/me/reservations', signedIn(deps.tokens), reading(getOwnReservations(deps)))
    app.get('/orders/:orderId', buyer, reading(getOrder(deps)))
    app.post('/orders/:orderId/payments', buyer, jsonBody(), paying(postPayment(deps)))
    app.post('/orders/:orderId/cancellation', buyer, jsonBody(), paying(postCancellation(deps)))
    // The signature covers the raw bytes: no parsing, no inflating.
    app.post(
      '/payments/callback',
      express.raw({ type: () => true, limit: MAX_CALLBACK, inflate: false }),
      callback(postCallback(deps)),
    )
  }
}

const getOrder =
  ({ database, currency }: OrderRoutesDeps): BuyersHandler<{ orderId: string }> =>
  async (req, res) => {
    const order = await readOrder(database, orderIdOf(req.params), res.locals.buyer.id)
    if (!order) throw unknownOrder()
    traceOf(res)?.isAbout(order.reservationId)
    res.json({ ...order, currency } satisfies OrderView)
  }

const postPayment = (deps: OrderRoutesDeps): BuyersHandler<{ orderId: string }> => {
  const openPayment = paymentOpener(deps)
  return async (req, res) => {
    const orderId = orderIdOf(req.params)
    parse(NoFields, req.body)
    const asked = { orderId, buyerId: res.locals.buyer.id }
    const opened = await openPayment(asked, traceOf(res)).catch((error: unknown) => {
      if (!(error instanceof ProviderUnavailable)) throw error
      deps.log.warn({ err: error, orderId, ...traceFields(res) }, 'the payment provider gave no payment link')
      throw new ProblemError('UNAVAILABLE', 'The payment provider does not answer; please try again.', {
        retryAfterSeconds: 2,
      })
    })
    switch (opened.outcome) {
      case 'OPENED':
        return void res.status(201).json(opened.payment)
      case 'OPEN_ALREADY':
        return void res.json(opened.payment)
      case 'NOT_PAYABLE':
        throw new ProblemError(
          'NOT_PAYABLE',
          `The order is ${opened.status}; only one that is PENDING_PAYMENT can be paid.`,
        )
      case 'NOT_READY':
        throw new ProblemError(
          'NOT_READY',
          'The price is not final: coupon or points are still being taken; try again in a moment.',
          { retryAfterSeconds: 1 },
        )
      case 'UNKNOWN_ORDER':
        throw unknownOrder()
    }
  }
}

const postCancellation =
  (deps: OrderRoutesDeps): BuyersHandler<{ orderId: string }> =>
  async (req, res) => {
    const orderId = orderIdOf(req.params)
    parse(NoFields, req.body)
    const cancellation = await cancelOrder(deps, orderId, res.locals.buyer.id)
    switch (cancellation.outcome) {
      case 'CANCELLED':
        traceOf(res)?.isAbout(cancellation.order.reservationId)
        return void res.json({ ...cancellation.order, currency: deps.currency } satisfies OrderView)
      case 'NOT_CANCELLABLE':
        throw new ProblemError(
          'NOT_CANCELLABLE',
          `The order is ${cancellation.status}; only one that is PENDING_PAYMENT can be cancelled.`,
        )
      case 'UNKNOWN_ORDER':
        throw unknownOrder()
    }
  }

/** The provider retries a callback until it gets a 2xx. */
const postCallback = (deps: OrderRoutesDeps): express.RequestHandler => {
  const countMoney = moneyCounter(deps)
  return async (req, res) => {
    const rawBody: unknown = req.body
    const reading = deps.provider.readCallback(req.headers, Buffer.isBuffer(rawBody) ? rawBody : Buffer.alloc(0))
    if (reading.outcome === 'IGNORED') {
      if (reading.alarm !== undefined) deps.log.error(reading.alarm)
      return void res.json({ outcome: reading.outcome })
    }
    if (reading.outcome !== 'RECEIVED') throw new ProblemError(unreadable[reading.outcome], reading.detail)
    const { money, currency } = reading
    const notCounted = (code: ProblemCode, detail: string) => {
      // It is signed, so the money may be real: an operator has to ask the provider.
      deps.log.error({ money, currency }, `money that the provider has reported was not counted: ${detail}`)
      return new ProblemError(code, detail)
    }
    if (currency !== deps.currency)
      throw notCounted('INVALID_REQUEST', `currency: expected ${deps.currency}, got ${currency}`)

    const counted = await countMoney(money).catch((error: unknown) => {
      if (!isDataError(error)) throw error
      throw notCounted('INVALID_REQUEST', 'providerRef: expected one of its own, got that of another payment')
    })
    if ('reservationId' in counted) traceOf(res)?.isAbout(counted.reservationId)
    switch (counted.outcome) {
      case 'UNKNOWN_PAYMENT':
        throw notCounted('NOT_FOUND', 'There is no such payment for such an order.')
      case 'WRONG_AMOUNT':
        throw notCounted('INVALID_REQUEST', `amountCents: expected ${counted.expectedCents}, got ${money.amountCents}`)
      case 'ALREADY_COUNTED':
        if (counted.countedRef !== undefined)
          deps.log.error({ money, countedRef: counted.countedRef }, 'paid twice: give the second payment back by hand')
        return void res.json({ outcome: counted.outcome })
      case 'PAID':
        deps.onChange()
        return void res.json({ outcome: counted.outcome })
      case 'REFUND_DUE':
        res.json({ outcome: counted.outcome })
    }
  }
}

const unreadable = { BAD_SIGNATURE: 'BAD_SIGNATURE', UNREADABLE: 'INVALID_REQUEST' } as const satisfies Record<
  string,
  ProblemCode
>

/** A malformed id, an unknown one and another buyer's get the same answer. */
function orderIdOf(params: { orderId: string }): string {
  const parsed = OrderId.safeParse(params.orderId)
  if (!parsed.success) throw unknownOrder()
  return parsed.data
}

const unknownOrder = () => new ProblemError('NOT_FOUND', 'You have no order with this id.')
