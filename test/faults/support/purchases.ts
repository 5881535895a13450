import type { AuditReport } from '../../../core/audit/report.ts'
import { eventually } from '../../support/eventually.ts'
import { type Answer, call } from '../../support/http-client.ts'
import { stretched } from '../../support/patience.ts'
import type { Shop } from './shop.ts'

/** Without an answer by then a call hangs. Services time out on any server in half that time. */
const ANSWER_LIMIT_MS = 10_000

/** The promised limit for recovery from any fault, without an operator. */
export const HEALING_LIMIT_MS = 30_000

/** Orders that do not lapse while a test looks at them, and reservations that outlive any fault. */
export const PATIENT = { PAYMENT_WINDOW_SECONDS: '3600', RESERVATION_LIFETIME_SECONDS: '3600' }

export type Gateway = 0 | 1

/** One of several of a buyer, with its Idempotency-Key. */
export interface KeyedPurchase {
  key: string
  quantity: number
}

/** Tries until the shop is whole enough. @returns the sale's id */
export const openSaleWhenPossible = (shop: Shop, stock: number): Promise<string> =>
  eventually(
    'a sale to be opened',
    () => shop.openSale(stock).catch(() => ''),
    (id) => id !== '',
  )

/** @throws when there is no answer in time. */
export function buy(
  shop: Shop,
  saleId: string,
  buyerId: string,
  gateway: Gateway = 0,
  purchase?: KeyedPurchase,
): Promise<Answer> {
  return ask(shop, 'POST', `/sales/${saleId}/reservations`, buyerId, gateway, purchase)
}

/** @throws when there is no answer in time. */
export function ask(
  shop: Shop,
  method: 'GET' | 'POST',
  path: string,
  buyerId: string,
  gateway: Gateway = 0,
  purchase?: KeyedPurchase,
): Promise<Answer> {
  return call(method, shop.gateways[gateway] + path, {
    token: shop.signIn(buyerId),
    signal: AbortSignal.timeout(stretched(ANSWER_LIMIT_MS)),
    ...(method === 'POST' ? { body: purchase ? { quantity: purchase.quantity } : {} } : {}),
    ...(purchase && { headers: { 'idempotency-key': purchase.key } }),
  })
}

/** Retries until the purchase is accepted. @returns the reservation's id */
export async function buyUntilAvailable(
  shop: Shop,
  saleId: string,
  buyerId: string,
  gateway: Gateway = 0,
  purchase?: KeyedPurchase,
): Promise<string> {
  const { body } = await eventually(
    `${buyerId} to be sold a unit`,
    () => buy(shop, saleId, buyerId, gateway, purchase),
    ({ status }) => status === 202,
    HEALING_LIMIT_MS,
  )
  return String(body.id)
}

/** @returns what the buyer is shown of the reservation, once it is one of those statuses. */
export async function shown(
  shop: Shop,
  reservationId: string,
  buyerId: string,
  statuses: string[],
  gateway: Gateway = 0,
): Promise<Answer['body']> {
  const { body } = await eventually(
    `${reservationId} to be ${statuses.join(' or ')}`,
    () => ask(shop, 'GET', `/reservations/${reservationId}`, buyerId, gateway),
    (answer) => statuses.includes(String(answer.body.status)),
    HEALING_LIMIT_MS,
  )
  return body
}

/** Waits until nothing is on its way and every unit is accounted for. */
export function atRest(shop: Shop, saleId: string): Promise<AuditReport> {
  // While a server is just coming back the audit cannot look.
  return eventually(
    'every unit to be accounted for',
    () => shop.ledgers.audit(saleId).catch((error: Error) => ({ ...NOTHING, error: error.message })),
    ({ quiet, balanced }) => quiet && balanced,
    HEALING_LIMIT_MS,
  )
}

const NOTHING: AuditReport = {
  balanced: false,
  quiet: false,
  at: '',
  sales: [],
  queues: { intake: 0, waiting: 0, cancellations: 0, deadLetters: 0 },
  outbox: 0,
}

/** The answer to a purchase while a server is down: no reservation, and Retry-After. */
export const COME_BACK = { status: 503, body: { code: 'UNAVAILABLE', retryAfterSeconds: 2 } }

/** `a-0` to `a-9` for ten of a. */
export const people = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name}-${i}`)
