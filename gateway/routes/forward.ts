import { Agent, ServerResponse } from 'node:http'
import type { RequestHandler, Response } from 'express'
import { createProxyMiddleware } from 'http-proxy-middleware'
import type { Logger } from '../../core/platform/log.ts'
import { sendProblem } from '../../core/platform/problem.ts'

const ANSWER_LIMIT_MS = 10_000
/** Requests the order service is asked at once by one gateway; more wait here. */
const MAX_SOCKETS = 100

/** Hands /orders and /payments to the order service byte for byte (a payment callback is signed over its raw body). */
export function forwardTo(orderServiceUrl: string, log: Logger): RequestHandler {
  return createProxyMiddleware({
    target: orderServiceUrl,
    pathFilter: ['/orders/**', '/payments/**'],
    xfwd: true,
    agent: new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
    proxyTimeout: ANSWER_LIMIT_MS,
    timeout: ANSWER_LIMIT_MS,
    on: {
      error(error, _req, res) {
        log.warn({ err: error.message }, 'order service not reached')
        if (!(res instanceof ServerResponse)) res.destroy()
        else if (!res.headersSent) sendProblem(res as Response, 'UNAVAILABLE', 'Orders cannot be reached right now; try again in a moment.', { retryAfterSeconds: 2 })
      },
    },
  })
}
