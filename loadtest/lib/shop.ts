import http, { type RefinedParams, type RefinedResponse } from 'k6/http'
import type { Buyer } from './buyer.ts'
import { GATEWAY_URL } from './environment.ts'

/** A buyer's calls. Each has a name, by which k6 groups latencies instead of by URL. */
export type Answer = RefinedResponse<'text'>

/** Time limit of a buyer's call. */
const PATIENCE = '15s'

/**
 * Refusals that belong to a sale: sold out, rate-limited, not eligible, busy. attempt.ts says which are expected.
 */
http.setResponseCallback(http.expectedStatuses(200, 201, 202, 204, 403, 409, 429, 503))

/** Signs in by name, in a demo. */
export function signIn(name: string): Answer {
  return http.post(`${GATEWAY_URL}/sessions`, JSON.stringify({ name }), {
    ...anonymous('sign in'),
    headers: { 'content-type': 'application/json' },
  })
}

export function listSales(): Answer {
  return http.get(`${GATEWAY_URL}/sales`, anonymous('sales'))
}

export function readSale(saleId: string): Answer {
  return http.get(`${GATEWAY_URL}/sales/${saleId}`, anonymous('sale'))
}

export interface Purchase {
  /** Names it among those of the buyer; default: the one of their first. */
  key?: string
  quantity?: number
  ticket?: string | undefined
  /** From the waiting room. */
  admission?: string | undefined
}

/** @param due which statuses are no failure; default: those of a sale, above. */
export function requestReservation(
  saleId: string,
  buyer: Buyer,
  purchase: Purchase = {},
  due?: ReturnType<typeof http.expectedStatuses>,
): Answer {
  const { url, body, params } = reservationRequest(saleId, buyer, purchase)
  return http.post(url, body, { ...params, ...(due && { responseCallback: due }) })
}

/** The same request many times at once, as a bot sends it. */
export function requestReservations(saleId: string, buyer: Buyer, times: number): Answer[] {
  return requestAtOnce(
    saleId,
    Array.from({ length: times }, () => [buyer]),
  )
}

/** The purchases of many buyers at once. */
export function requestAtOnce(saleId: string, purchases: [buyer: Buyer, purchase?: Purchase][]): Answer[] {
  return http.batch(purchases.map(([buyer, purchase]) => reservationRequest(saleId, buyer, purchase)))
}

function reservationRequest(saleId: string, buyer: Buyer, purchase: Purchase = {}) {
  const { key = buyer.id, quantity = 1, ticket, admission } = purchase
  const asked = asBuyer('buy', buyer, key)
  const headers = {
    ...asked.headers,
    ...(ticket !== undefined && { 'seckill-ticket': ticket }),
    ...(admission !== undefined && { 'seckill-admission': admission }),
  }
  const url = `${GATEWAY_URL}/sales/${saleId}/reservations`
  return { method: 'POST' as const, url, body: JSON.stringify({ quantity }), params: { ...asked, headers } }
}

/** Takes places in the waiting room, and gives signs of life. */
export function requestPlaces(saleId: string, buyers: Buyer[]): Answer[] {
  const url = `${GATEWAY_URL}/sales/${saleId}/place`
  return http.batch(buyers.map((buyer) => ({ method: 'POST', url, body: '', params: asBuyer('place', buyer) })))
}

export function requestChallenge(saleId: string, buyer: Buyer, key: string): Answer {
  return http.get(`${GATEWAY_URL}/sales/${saleId}/challenge`, asBuyer('challenge', buyer, key))
}

/** @param proof that solves a challenge, where the sale asks for it */
export function requestTicket(saleId: string, buyer: Buyer, key: string, proof?: string): Answer {
  return http.post(`${GATEWAY_URL}/sales/${saleId}/tickets`, JSON.stringify({ proof }), asBuyer('ticket', buyer, key))
}

export function readReservation(reservationId: string, buyer: Buyer): Answer {
  return http.get(`${GATEWAY_URL}/reservations/${reservationId}`, asBuyer('reservation', buyer))
}

export function readOrder(orderId: string, buyer: Buyer): Answer {
  return http.get(`${GATEWAY_URL}/orders/${orderId}`, asBuyer('order', buyer))
}

/** Asks for a link to pay at. */
export function openPayment(orderId: string, buyer: Buyer): Answer {
  return http.post(`${GATEWAY_URL}/orders/${orderId}/payments`, '{}', asBuyer('payment link', buyer))
}

/** Pays on the provider's page; the provider calls the shop back before it answers. */
export function payAt(link: string): Answer {
  return http.post(link, null, { ...anonymous('pay'), headers: { accept: 'application/json' } })
}

function anonymous(name: string): RefinedParams<'text'> {
  return { responseType: 'text', timeout: PATIENCE, tags: { name } }
}

/**
 * Every call of a buyer is idempotent. With this header k6 retries when a keep-alive connection was closed meanwhile,
 * instead of reporting a fault.
 */
function asBuyer(name: string, { id, token, address }: Buyer, key = id): RefinedParams<'text'> {
  return {
    ...anonymous(name),
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'idempotency-key': key,
      ...(address !== undefined && { 'x-forwarded-for': address }),
    },
  }
}
