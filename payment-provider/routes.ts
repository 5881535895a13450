import express, { type Express, type Request, type RequestHandler, type Response } from 'express'
import type { Registry } from 'prom-client'
import { z } from 'zod'
import type { Logger } from '../core/platform/process/log.ts'
import { counter } from '../core/platform/process/metrics.ts'
import { parse, ProblemError } from '../core/platform/http/problem.ts'
import { SIGNATURE_HEADER, signatureAdvice, signatureFault } from '../core/platform/http/signature.ts'
import { type LinkTokens, Payment } from './link-tokens.ts'
import { type PageOptions, paymentPage, paymentPageHeaders, resultPage } from './page.ts'
import type { Reported, Shop } from './shop.ts'

export interface ProviderRoutesDeps {
  /** Shared with the shop. */
  secret: string
  links: LinkTokens
  linkTo: (token: string) => string
  /** The shop's page for buyers. */
  shopPage: string
  shop: Shop
  metrics: Registry
  log: Logger
}

const MAX_BODY = '16kb'

const RefundRequest = z.strictObject({
  refundId: z.uuid(),
  paymentId: z.uuid(),
  providerRef: z.string().min(1).max(100),
  amountCents: z.int().min(0),
})

/** Signed requests of the shop, and the pages of the buyer. */
export function providerRoutes(deps: ProviderRoutesDeps): (app: Express) => void {
  const signed = signedBody(deps.secret)
  return (app) => {
    app.post('/links', ...signed, postLink(deps))
    app.post('/refunds', ...signed, postRefund(deps))
    app.get('/pay/:token', paymentPageHeaders, getPaymentPage(deps))
    app.post('/pay/:token', paymentPageHeaders, postPayment(deps))
  }
}

const postLink =
  ({ links, linkTo }: ProviderRoutesDeps): RequestHandler =>
  (req, res) => {
    res.status(201).json({ url: linkTo(links.sign(parse(Payment, req.body))) })
  }

/** Stateless: every refund is accepted, and a repeat gets the same answer. */
const postRefund = ({ metrics, log }: ProviderRoutesDeps): RequestHandler => {
  const refunds = counter(metrics, 'seckill_provider_refunds_total')
  return (req, res) => {
    const refund = parse(RefundRequest, req.body)
    refunds.inc()
    log.info(refund, 'refund taken')
    res.json({ refundId: refund.refundId, status: 'REFUNDED' })
  }
}

const getPaymentPage =
  ({ links, shopPage }: ProviderRoutesDeps): RequestHandler<{ token: string }> =>
  (req, res) => {
    const page = paymentPage(paymentOf(links, req.params.token), pageOptions(req, shopPage))
    res.set('Cache-Control', 'no-store').vary('Accept-Language').type('html').send(page)
  }

const postPayment = ({ links, shop, shopPage, metrics }: ProviderRoutesDeps): RequestHandler<{ token: string }> => {
  const payments = counter(metrics, 'seckill_provider_payments_total')
  return async (req, res) => {
    const payment = paymentOf(links, req.params.token)
    const reported = await shop.reportMoney(payment)
    payments.inc({ outcome: reported.outcome })
    res.set('Cache-Control', 'no-store').vary('Accept, Accept-Language')
    if (req.accepts(['json', 'html']) === 'html')
      res
        .status(statusOf[reported.outcome])
        .type('html')
        .send(resultPage(reported, payment, pageOptions(req, shopPage)))
    else answerJson(res, reported)
  }
}

/** In the language that the buyer's browser prefers. */
function pageOptions(req: Request<{ token: string }>, shopPage: string): PageOptions {
  return { language: req.acceptsLanguages(['en', 'zh']) === 'zh' ? 'zh' : 'en', shopPage }
}

function paymentOf(links: LinkTokens, token: string): Payment {
  const payment = links.verify(token)
  if (!payment)
    throw new ProblemError('NOT_FOUND', 'This is not a payment link of ours; ask the shop for the link again.')
  return payment
}

const statusOf = {
  PAID: 200,
  ALREADY_COUNTED: 200,
  REFUND_DUE: 200,
  REFUSED: 409,
  UNANSWERED: 503,
} as const satisfies Record<Reported['outcome'], number>

function answerJson(res: Response, reported: Reported): void {
  switch (reported.outcome) {
    case 'REFUSED':
      throw new ProblemError('NOT_PAYABLE', `The shop answered ${reported.status}; nothing was taken.`)
    case 'UNANSWERED':
      throw new ProblemError('UNAVAILABLE', 'The shop does not answer; try again, nothing is taken twice.', {
        retryAfterSeconds: 5,
      })
    case 'PAID':
    case 'ALREADY_COUNTED':
    case 'REFUND_DUE':
      res.json({ outcome: reported.outcome })
  }
}

/** A JSON body that the shop has signed; leaves it parsed in `req.body`. */
function signedBody(secret: string): RequestHandler[] {
  return [
    express.raw({ type: () => true, limit: MAX_BODY, inflate: false }),
    (req, _res, next) => {
      const received: unknown = req.body
      const rawBody = Buffer.isBuffer(received) ? received : Buffer.alloc(0)
      const fault = signatureFault(secret, req.get(SIGNATURE_HEADER), rawBody)
      if (fault) throw new ProblemError('BAD_SIGNATURE', signatureAdvice[fault])
      req.body = parseJson(rawBody)
      next()
    },
  ]
}

function parseJson(rawBody: Buffer): unknown {
  try {
    return JSON.parse(rawBody.toString('utf8'))
  } catch {
    throw new ProblemError('INVALID_REQUEST', `Expected a JSON body, got ${rawBody.length} bytes that are not.`)
  }
}
