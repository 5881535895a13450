import type { ServerResponse } from 'node:http'
import type { InFront } from '../../core/platform/http/http-service.ts'
import { preparedProblem } from '../../core/platform/http/problem.ts'
import { PRIVATE_HEADERS } from '../../core/platform/http/security-headers.ts'
import type { ClusterBuckets } from '../../core/platform/limits/cluster-buckets.ts'
import type { KeyedBuckets } from '../../core/platform/limits/keyed-buckets.ts'
import type { GatewayConfig } from '../config.ts'

type Limits = Pick<
  GatewayConfig,
  | 'POLL_RATE_PER_SECOND'
  | 'POLL_BURST'
  | 'SIGN_IN_RATE_PER_SECOND'
  | 'SIGN_IN_BURST'
  | 'TICKET_RATE_PER_SECOND'
  | 'TICKET_BURST'
>
type Kind = 'purchase' | 'ticket' | 'signIn' | 'result' | 'payment' | 'callback' | 'page' | 'other'

/**
 * A bucket per address for each kind of request: a rush of purchases, or a client who polls too much, does not keep its
 * neighbours from paying for what they hold.
 */
export type AddressBuckets = Record<Kind, KeyedBuckets>

/** The shop's page is some ten files, and must load for a buyer who polled too much: it tells them to wait. */
const PAGE_FILES = 10

export function addressBuckets(limits: Limits, { named }: ClusterBuckets): AddressBuckets {
  const like = (name: Kind, times = 1) => named(name, times * limits.POLL_RATE_PER_SECOND, times * limits.POLL_BURST)
  return {
    purchase: like('purchase'),
    ticket: named('ticket', limits.TICKET_RATE_PER_SECOND, limits.TICKET_BURST),
    signIn: named('signIn', limits.SIGN_IN_RATE_PER_SECOND, limits.SIGN_IN_BURST),
    result: like('result'),
    payment: like('payment'),
    callback: like('callback'),
    page: like('page', PAGE_FILES),
    other: like('other'),
  }
}

/**
 * Charges the client address for every request but the health checks, before anything that clients share: the order
 * service, Redis, the limit of a sale.
 * @param onPurchase called for each purchase that is refused
 * @returns whether the request was refused
 */
export function addressLimit(buckets: AddressBuckets, onPurchase: () => void): InFront {
  return (req, res, { path, address }) => {
    const kind = kindOf(req.method, path)
    if (kind === undefined) return false
    const token = buckets[kind].take(address)
    if (token.taken) {
      if (kind === 'callback') res.once('finish', () => giveBackIfTrue(res, buckets.callback, address))
      return false
    }
    if (kind === 'purchase') onPurchase()
    refuseAddress(res, token.waitMs / 1_000)
    return true
  }
}

const refuseAddress = preparedProblem(
  'RATE_LIMITED',
  'Too many requests from this address; wait before the next.',
  PRIVATE_HEADERS,
)

/** The provider reports the money of all buyers from one address: only callbacks that are refused use up its bucket. */
function giveBackIfTrue(res: ServerResponse, buckets: KeyedBuckets, address: string): void {
  if (res.statusCode < 300) buckets.giveBack(address)
}

const PURCHASE = /^\/sales\/[^/]+\/reservations\/?$/i
const TICKET = /^\/sales\/[^/]+\/(tickets|challenge)\/?$/i
const SIGN_IN = /^\/sessions\/?$/i
const CALLBACK = /^\/payments\/callback\/?$/i
const PAYMENT = /^\/(orders|payments)\//i
/** Requests of buyers who have a reservation, an order or a place in line, event streams included. */
const RESULT = /^\/((orders|reservations|me)\/|sales\/[^/]+\/place(\/|$))/i
const PAGE = /^\/(assets\/[^/]+)?$/
const HEALTH = /^\/(livez|readyz)\/?$/i

/** Undefined for what has no limit. */
function kindOf(method: string | undefined, path: string): Kind | undefined {
  if (method === 'POST' && PURCHASE.test(path)) return 'purchase'
  if (TICKET.test(path)) return 'ticket'
  if (SIGN_IN.test(path)) return 'signIn'
  if (CALLBACK.test(path)) return 'callback'
  if (method === 'POST' && PAYMENT.test(path)) return 'payment'
  if (RESULT.test(path)) return 'result'
  if (PAGE.test(path)) return 'page'
  return HEALTH.test(path) ? undefined : 'other'
}
