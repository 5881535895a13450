import type { RequestHandler, Response } from 'express'
import { addressForLimit } from '../../core/platform/client-address.ts'
import { KeyedBuckets } from '../../core/platform/keyed-buckets.ts'
import { sendProblem } from '../../core/platform/problem.ts'
import type { TokenBucket } from '../../core/platform/token-bucket.ts'
import type { GatewayConfig } from '../config.ts'

/** Refuses, before anything is read or asked, what this process cannot take. */
export function gatewayLimit(bucket: TokenBucket): RequestHandler {
  return (_req, res, next) => pass(bucket.take(), res, next, 'The whole shop is crowded; wait before the next attempt.')
}

/**
 * What one client address may ask for apart from purchases, which have buckets of their own in Redis. Kept in this process:
 * it protects the process, and a client who is served by several of them gets a little more.
 */
export function addressLimit(config: GatewayConfig): RequestHandler {
  const signIns = new KeyedBuckets(config.SIGN_IN_RATE_PER_SECOND, config.SIGN_IN_BURST)
  const others = new KeyedBuckets(config.POLL_RATE_PER_SECOND, config.POLL_BURST)
  return (req, res, next) => {
    // The provider reports everybody's money from one address.
    if (req.path === '/payments/callback') return next()
    const buckets = /^\/sessions\/?$/i.test(req.path) ? signIns : others
    pass(buckets.take(addressForLimit(req.ip ?? '')), res, next, 'Too many requests from this address; wait before the next.')
  }
}

function pass(token: ReturnType<TokenBucket['take']>, res: Response, next: () => void, refusal: string): void {
  if (token.taken) next()
  else sendProblem(res, 'RATE_LIMITED', refusal, { retryAfterSeconds: token.waitMs / 1_000 })
}
