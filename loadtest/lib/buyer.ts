import crypto from 'k6/crypto'
import encoding from 'k6/encoding'
import exec from 'k6/execution'
import { TOKEN_SECRET } from './environment.ts'

/** A simulated buyer with a token. */
export interface Buyer {
  id: string
  token: string
  /** Of the client, which a gateway with TRUST_PROXY_HOPS believes; default: the one of k6. */
  address?: string
}

const LIFETIME_SECONDS = 12 * 3_600
const HEADER = encoded({ alg: 'HS256', typ: 'JWT' })

/** A buyer who is new to the sale: one per iteration. */
export function newBuyer(saleId: string): Buyer {
  const id = `${saleId}.${exec.scenario.name}.${exec.scenario.iterationInTest}`
  return { id, token: tokenOf(id) }
}

/**
 * The same token as POST /sessions gives: a JWT, HS256, with subject, audience and expiry.
 * @param claims more of them
 */
export function tokenOf(buyerId: string, claims = {}): string {
  const now = Math.floor(Date.now() / 1_000)
  const body = `${HEADER}.${encoded({ ...claims, sub: buyerId, aud: 'seckill', iat: now, exp: now + LIFETIME_SECONDS })}`
  return `${body}.${crypto.hmac('sha256', TOKEN_SECRET, body, 'base64rawurl')}`
}

function encoded(part: object): string {
  return encoding.b64encode(JSON.stringify(part), 'rawurl')
}
