import http, { type RefinedParams, type RefinedResponse } from 'k6/http'
import type { Buyer } from './buyer.ts'
import { GATEWAY_URL } from './environment.ts'

/** The calls a buyer makes. Each is named, so that k6 groups its times by what was asked and not by the URL. */
export type Answer = RefinedResponse<'text'>

/** A buyer who has waited this long is gone. */
const PATIENCE = '15s'

/**
 * Refusals that belong to a sale: sold out, too fast, not allowed, busy. Which of them are due is attempt.ts's to
 * judge.
 */
http.setResponseCallback(http.expectedStatuses(200, 201, 202, 204, 403, 409, 429, 503))

/** Signs in by name, in a demo. */
export function signIn(name: string): Answer {
  return http.post(`${GATEWAY_URL}/sessions`, JSON.stringify({ name }), {
    ...withoutToken('sign in'),
    headers: { 'content-type': 'application/json' },
  })
}

export function listSales(): Answer {
  return http.get(`${GATEWAY_URL}/sales`, withoutToken('sales'))
}

export function readSale(saleId: string): Answer {
  return http.get(`${GATEWAY_URL}/sales/${saleId}`, withoutToken('sale'))
}

/** @param due which statuses are no failure; default: those of a sale, above. */
export function requestReservation(
  saleId: string,
  buyer: Buyer,
  due?: ReturnType<typeof http.expectedStatuses>,
): Answer {
  return http.post(reservationsOf(saleId), ONE_UNIT, {
    ...asBuyer('buy', buyer),
    ...(due && { responseCallback: due }),
  })
}

/** The same request many times at once, as a bot sends it. */
export function requestReservations(saleId: string, buyer: Buyer, times: number): Answer[] {
  const request = {
    method: 'POST' as const,
    url: reservationsOf(saleId),
    body: ONE_UNIT,
    params: asBuyer('buy', buyer),
  }
  return http.batch(Array.from({ length: times }, () => request))
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

/** Presses the button on the provider's page; the provider tells the shop before it answers. */
export function payAt(link: string): Answer {
  return http.post(link, null, { ...withoutToken('pay'), headers: { accept: 'application/json' } })
}

const ONE_UNIT = '{"quantity":1}'
const reservationsOf = (saleId: string) => `${GATEWAY_URL}/sales/${saleId}/reservations`

function withoutToken(name: string): RefinedParams<'text'> {
  return { responseType: 'text', timeout: PATIENCE, tags: { name } }
}

/**
 * Every call of a buyer may be repeated without harm. The header says so, and then k6 sends it again when a kept-alive
 * connection was closed under it, instead of reporting a fault of its own making.
 */
function asBuyer(name: string, { id, token }: Buyer): RefinedParams<'text'> {
  return {
    ...withoutToken(name),
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': id },
  }
}
