import type { Request, RequestHandler } from 'express'
import { addressForLimit } from '../../core/platform/http/client-address.ts'
import { KeyedBuckets } from '../../core/platform/limits/keyed-buckets.ts'
import { sendProblem } from '../../core/platform/http/problem.ts'
import type { GatewayConfig } from '../config.ts'

type Limits = Pick<GatewayConfig, 'POLL_RATE_PER_SECOND' | 'POLL_BURST' | 'SIGN_IN_RATE_PER_SECOND' | 'SIGN_IN_BURST'>

/** One set for each kind of request: a client who polls too much does not keep its neighbours from buying or paying. */
export const bucketsOfAddresses = (limits: Limits) => new KeyedBuckets(limits.POLL_RATE_PER_SECOND, limits.POLL_BURST)

/**
 * Rate limits of one client address. They protect this process and live in it, so a client who is served by several
 * processes gets a little more. Purchases have theirs in buy.ts.
 */
export function addressLimit(limits: Limits): RequestHandler {
  const buckets = {
    signIn: new KeyedBuckets(limits.SIGN_IN_RATE_PER_SECOND, limits.SIGN_IN_BURST),
    payment: bucketsOfAddresses(limits),
    page: new KeyedBuckets(PAGE_FILES * limits.POLL_RATE_PER_SECOND, PAGE_FILES * limits.POLL_BURST),
    other: bucketsOfAddresses(limits),
  }
  return (req, res, next) => {
    const kind = kindOf(req)
    const token = kind && buckets[kind].take(addressForLimit(req.ip ?? ''))
    if (!token || token.taken) return next()
    const retryAfterSeconds = token.waitMs / 1_000
    sendProblem(res, 'RATE_LIMITED', 'Too many requests from this address; wait before the next.', {
      retryAfterSeconds,
    })
  }
}

const PURCHASE = /^\/sales\/[^/]+\/reservations\/?$/i
/** The shop's page is some ten files, and must load for a buyer who polled too much: it tells them to wait. */
const PAGE_FILES = 10
const PAGE = /^\/(assets\/[^/]+)?$/
const SIGN_IN = /^\/sessions\/?$/i
const PAYMENT = /^\/orders\//i

/** Undefined for a request that is not limited here. */
function kindOf({ method, path }: Request): 'signIn' | 'payment' | 'page' | 'other' | undefined {
  // The provider reports the money of all buyers from one address.
  if (path === '/payments/callback' || (method === 'POST' && PURCHASE.test(path))) return undefined
  if (SIGN_IN.test(path)) return 'signIn'
  if (PAGE.test(path)) return 'page'
  return method === 'POST' && PAYMENT.test(path) ? 'payment' : 'other'
}
