import crypto from 'k6/crypto'
import encoding from 'k6/encoding'
import exec from 'k6/execution'
import { TOKEN_SECRET } from './environment.ts'

/** A signed-in buyer. */
export interface Buyer {
  id: string
  token: string
}

const LIFETIME_SECONDS = 12 * 3_600
const HEADER = encoded({ alg: 'HS256', typ: 'JWT' })

/** A buyer whom the sale has never seen: one per iteration. */
export function newBuyer(saleId: string): Buyer {
  const id = `${saleId}.${exec.scenario.name}.${exec.scenario.iterationInTest}`
  return { id, token: tokenOf(id) }
}

/** What POST /sessions would hand out: a JWT, HS256, with subject, audience and expiry. */
export function tokenOf(buyerId: string): string {
  const now = Math.floor(Date.now() / 1_000)
  const body = `${HEADER}.${encoded({ sub: buyerId, aud: 'seckill', iat: now, exp: now + LIFETIME_SECONDS })}`
  return `${body}.${crypto.hmac('sha256', TOKEN_SECRET, body, 'base64rawurl')}`
}

function encoded(part: object): string {
  return encoding.b64encode(JSON.stringify(part), 'rawurl')
}
