import http, { type RefinedResponse } from 'k6/http'

/** The system under load, as `npm run -s urls` names it. */
const GATEWAY_URL = __ENV.GATEWAY_URL ?? 'http://localhost:3000'
const CONTROL_ROOM_URL = __ENV.CONTROL_ROOM_URL ?? 'http://localhost:3001'
const ADMIN_TOKEN = __ENV.ADMIN_TOKEN ?? ''

export interface SaleAudit { saleId: string; stock: number; sold: number; redisLeft: number | null; undecided: number; pending: number }
export interface Audit { balanced: boolean; quiet: boolean; sales: SaleAudit[] }

const asAdmin = { headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' } }
const asBuyer = (token: string) => ({ headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } })

/** A sale that opened a second ago and stays open for an hour. @throws when the control room refuses. */
export function createSale(stock: number): string {
  const id = `k6-${Date.now().toString(36)}`
  const answer = http.post(`${CONTROL_ROOM_URL}/sales`, JSON.stringify({
    id, title: 'Load test', priceCents: 1_000, stock,
    opensAt: new Date(Date.now() - 1_000).toISOString(), closesAt: new Date(Date.now() + 3_600_000).toISOString(),
  }), asAdmin)
  if (answer.status !== 201) throw new Error(`The control room made no sale: ${answer.status} ${String(answer.body)}`)
  return id
}

/** Signs buyers in by name, in parallel batches. Needs DEMO_MODE. */
export function signIn(names: string[]): string[] {
  const tokens: string[] = []
  for (let from = 0; from < names.length; from += 50) {
    const answers = http.batch(names.slice(from, from + 50).map((name) => ({
      method: 'POST' as const, url: `${GATEWAY_URL}/sessions`, body: JSON.stringify({ name }), params: { headers: { 'content-type': 'application/json' } },
    })))
    for (const answer of answers) tokens.push(String(answer.json('token')))
  }
  return tokens
}

export function buy(saleId: string, token: string): RefinedResponse<'text'> {
  return http.post(`${GATEWAY_URL}/sales/${saleId}/reservations`, '{"quantity":1}', { ...asBuyer(token), responseType: 'text', tags: { name: 'buy' } })
}

export function reservationStatus(reservationId: string, token: string): string {
  return String(http.get(`${GATEWAY_URL}/reservations/${reservationId}`, asBuyer(token)).json('status'))
}

export function audit(saleId: string): Audit {
  const answer = http.get(`${CONTROL_ROOM_URL}/audit?sale=${saleId}`, { ...asAdmin, timeout: '30s' })
  if (answer.status !== 200) throw new Error(`No audit: ${answer.status} ${String(answer.body)}`)
  return answer.json() as unknown as Audit
}
