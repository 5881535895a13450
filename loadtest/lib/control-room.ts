import http from 'k6/http'
import { ADMIN_TOKEN, CONTROL_ROOM_URL } from './environment.ts'

/** The fields that are read here, of the report in core/audit/report.ts. */
export interface Audit {
  /** No check is wrong. */
  balanced: boolean
  /** No message, outbox row or pending entry is in flight. */
  quiet: boolean
  sales: SaleAudit[]
}

export interface SaleAudit {
  saleId: string
  stock: number
  sold: number
  redisLeft: number | null
  pending: number
  undecided: number
  orders: Record<'PENDING_PAYMENT' | 'PAID' | 'CANCELLED' | 'REFUNDED', number>
  rejections: number
  checks: { name: string; state: 'ok' | 'in flight' | 'wrong'; detail: string }[]
}

const asAdmin = {
  headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
  timeout: '30s',
  tags: { name: 'control room' },
}

/** @throws when the control room refuses. */
export function createSale(sale: {
  id: string
  stock: number
  perBuyerLimit: number
  opensAt: Date
  closesAt: Date
  /** Rules of its opening, see docs/opening.md. */
  opening?: object | undefined
}): void {
  const answer = http.post(
    `${CONTROL_ROOM_URL}/sales`,
    JSON.stringify({ ...sale, title: 'Load test', priceCents: 1_000 }),
    asAdmin,
  )
  if (answer.status !== 201)
    throw new Error(`The control room created no sale: ${answer.status} ${answer.error} ${String(answer.body)}`)
}

/** @throws when the control room refuses. */
export function barBuyer(buyerId: string): void {
  const answer = http.put(`${CONTROL_ROOM_URL}/blacklist/${buyerId}`, JSON.stringify({ reason: 'load test' }), asAdmin)
  if (answer.status !== 200)
    throw new Error(`The control room did not blacklist the buyer: ${answer.status} ${String(answer.body)}`)
}

/** @throws when the control room refuses. */
export function admitBuyer(buyerId: string): void {
  const answer = http.del(`${CONTROL_ROOM_URL}/blacklist/${buyerId}`, null, asAdmin)
  if (answer.status !== 204)
    throw new Error(`The control room did not admit the buyer: ${answer.status} ${String(answer.body)}`)
}

/** Undefined when no audit could be made, as while the broker is away. */
export function readAudit(saleId: string): Audit | undefined {
  const answer = http.get(`${CONTROL_ROOM_URL}/audit?sale=${saleId}`, asAdmin)
  return answer.status === 200 ? (answer.json() as unknown as Audit) : undefined
}
