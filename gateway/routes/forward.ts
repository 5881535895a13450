import { Agent, ServerResponse } from 'node:http'
import type { RequestHandler, Response } from 'express'
import { createProxyMiddleware } from 'http-proxy-middleware'
import type { Logger } from '../../core/platform/log.ts'
import { sendProblem } from '../../core/platform/problem.ts'

const ANSWER_LIMIT_MS = 10_000
/** Then we close a connection to the order service, long before it does. */
const IDLE_LIMIT_MS = 15_000
/** Requests the order service is asked at once by one gateway; more wait here. */
const MAX_SOCKETS = 100

const FORWARDED = /^\/(orders|payments)\//
const METHODS = new Set(['GET', 'HEAD', 'POST'])

/** Hands /orders and /payments to the order service byte for byte (a payment callback is signed over its raw body). */
export function forwardTo(orderServiceUrl: string, log: Logger): RequestHandler {
  const proxy = createProxyMiddleware({
    target: orderServiceUrl,
    xfwd: true,
    agent: new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS, timeout: IDLE_LIMIT_MS }),
    proxyTimeout: ANSWER_LIMIT_MS,
    // The buyer's own socket lives longer, or there would be nobody left to be told.
    timeout: 2 * ANSWER_LIMIT_MS,
    on: {
      error(error, _req, res) {
        log.warn({ err: error.message }, 'order service not reached')
        if (!(res instanceof ServerResponse)) res.destroy()
        else if (!res.headersSent) sendProblem(res as Response, 'UNAVAILABLE', 'Orders cannot be reached right now; try again in a moment.', { retryAfterSeconds: 2 })
      },
    },
  })
  return (req, res, next) => {
    if (!FORWARDED.test(req.path)) return next()
    if (METHODS.has(req.method)) return proxy(req, res, next)
    // http-proxy takes the framing off the body of a DELETE or OPTIONS, and sends the body all the same: on a kept-alive
    // connection it would be read as the next request, and its answer go to the next buyer.
    sendProblem(res.set('Allow', [...METHODS].join(', ')), 'METHOD_NOT_ALLOWED', `There is no ${req.method} ${req.path} here.`)
  }
}
