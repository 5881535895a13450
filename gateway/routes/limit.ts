import type { RequestHandler } from 'express'
import { sendProblem } from '../../core/platform/problem.ts'
import { TokenBucket } from '../../core/platform/token-bucket.ts'

/** Refuses, before anything is read or asked, what this process cannot take. */
export function gatewayLimit(ratePerSecond: number, burst: number): RequestHandler {
  const bucket = new TokenBucket(ratePerSecond, burst)
  return (_req, res, next) => {
    const token = bucket.take()
    if (token.taken) return next()
    sendProblem(res, 'RATE_LIMITED', 'The whole shop is crowded; wait before the next attempt.', { retryAfterSeconds: token.waitMs / 1_000 })
  }
}
