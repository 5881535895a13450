import type { RequestHandler } from 'express'
import { sendProblem } from '../../core/platform/problem.ts'
import type { TokenBucket } from '../../core/platform/token-bucket.ts'

/** Refuses, before anything is read or asked, what this process cannot take. */
export function gatewayLimit(bucket: TokenBucket): RequestHandler {
  return (_req, res, next) => {
    const token = bucket.take()
    if (token.taken) return next()
    sendProblem(res, 'RATE_LIMITED', 'The whole shop is crowded; wait before the next attempt.', { retryAfterSeconds: token.waitMs / 1_000 })
  }
}
