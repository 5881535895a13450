import type { Request, RequestHandler } from 'express'
import { addressForLimit } from '../../core/platform/http/client-address.ts'
import { KeyedBuckets } from '../../core/platform/limits/keyed-buckets.ts'
import { sendProblem } from '../../core/platform/http/problem.ts'
import type { GatewayConfig } from '../config.ts'

type Limits = Pick<GatewayConfig, 'POLL_RATE_PER_SECOND' | 'POLL_BURST' | 'SIGN_IN_RATE_PER_SECOND' | 'SIGN_IN_BURST'>

/** Each kind of request has its own: buyers can still buy and pay when somebody behind their address polls too much. */
export const bucketsOfAddresses = (limits: Limits) => new KeyedBuckets(limits.POLL_RATE_PER_SECOND, limits.POLL_BURST)

/**
 * What one client address may ask for. Kept in this process: it protects the process, and a client who is served by
 * several of them gets a little more. Purchases are limited where they are made, in buy.ts.
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
/**
 * The shop's page is some ten files, and a buyer whose page polls too much must still see it: it is what says to wait.
 */
const PAGE_FILES = 10
const PAGE = /^\/(assets\/[^/]+)?$/
const SIGN_IN = /^\/sessions\/?$/i
const PAYMENT = /^\/orders\//i

/** Undefined for what is not limited here. */
function kindOf({ method, path }: Request): 'signIn' | 'payment' | 'page' | 'other' | undefined {
  // The provider reports everybody's money from one address.
  if (path === '/payments/callback' || (method === 'POST' && PURCHASE.test(path))) return undefined
  if (SIGN_IN.test(path)) return 'signIn'
  if (PAGE.test(path)) return 'page'
  return method === 'POST' && PAYMENT.test(path) ? 'payment' : 'other'
}
