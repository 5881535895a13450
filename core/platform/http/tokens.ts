import { createSigner, createVerifier } from 'fast-jwt'
import { BuyerId } from '../../contracts/values.ts'
import { type Buyer, BuyerClaims } from '../../contracts/limit-per-buyer.ts'

const AUDIENCE = 'seckill'
const LIFETIME_MS = 12 * 3_600_000
/** Outside logins issue tokens for a day. There is no revocation, so one that lives longer is refused. */
const LIFETIME_HOURS_MAX = 24
/** Accepted difference between the signer's clock and ours: ten minutes must not turn buyers away. */
export const TOKEN_CLOCK_TOLERANCE_MS = 15 * 60_000
/** Ours have some 250 characters, those of outside logins 1,000 to 2,000. A longer one is refused before decoding. */
const LENGTH_MAX = 4_096

export type Verified = { buyer: Buyer } | { fault: string }

export interface Tokens {
  sign: (buyerId: string, claims?: BuyerClaims) => string
  /** The buyer, or why the token is refused. More than "not valid" is told only of a token whose signature is right. */
  verify: (token: string | undefined) => Verified
}

/** Also for a malformed or altered token: a forger must not learn which check failed. */
const NOT_SIGNED_IN: Verified = { fault: 'Send a valid token as "Authorization: Bearer <token>".' }

/**
 * Buyers' bearer tokens: JWT, HS256, with `sub` (the buyer's id), `aud` and `exp`, signed here or by any login that
 * has the secret. Verification is synchronous and takes 4 µs. The library's cache of verified tokens is off: most buyers
 * of a rush are new, and a miss would cost 4 µs more.
 */
export function createTokens(secret: string): Tokens {
  const sign = createSigner({ key: secret, algorithm: 'HS256', aud: AUDIENCE, expiresIn: LIFETIME_MS })
  // The library checks the signature only: its messages about claims do not say which one is wrong.
  const verify = createVerifier({ key: secret, algorithms: ['HS256'], ignoreExpiration: true, ignoreNotBefore: true })
  return {
    sign: (buyerId, claims = {}) => sign({ ...claims, sub: buyerId }),
    verify(token) {
      if (token === undefined || token.length > LENGTH_MAX) return NOT_SIGNED_IN
      try {
        return readClaims(verify(token) as Record<string, unknown>, Date.now())
      } catch {
        return NOT_SIGNED_IN
      }
    },
  }
}

function readClaims(claims: Record<string, unknown>, nowMs: number): Verified {
  const { sub, aud, exp, iat, nbf } = claims
  const fault =
    audienceFault(aud) ?? expiryFault(exp, nowMs) ?? startFault('iat', iat, nowMs) ?? startFault('nbf', nbf, nowMs)
  if (fault !== undefined) return { fault: `The token is signed, but its ${fault}` }
  const { success, data, error } = BuyerId.safeParse(sub)
  return success
    ? { buyer: { id: data, claims: BuyerClaims.parse(claims) } }
    : { fault: `The token is signed, but its sub is no buyer's id: ${error.issues[0]?.message}.` }
}

function audienceFault(aud: unknown): string | undefined {
  const isOurs = aud === AUDIENCE || (Array.isArray(aud) && aud.includes(AUDIENCE))
  return isOurs ? undefined : `aud is for others: expected "${AUDIENCE}", or a list with it.`
}

function expiryFault(exp: unknown, nowMs: number): string | undefined {
  if (typeof exp !== 'number') return 'exp is missing or no number: expected the seconds since 1970 at which it ends.'
  if (exp * 1_000 <= nowMs) return 'exp is over: sign in again.'
  const latestMs = nowMs + LIFETIME_HOURS_MAX * 3_600_000 + TOKEN_CLOCK_TOLERANCE_MS
  return exp * 1_000 <= latestMs
    ? undefined
    : `exp is too far away: expected at most ${LIFETIME_HOURS_MAX} hours from now.`
}

/** `iat` and `nbf`, which a token may leave out. */
function startFault(claim: string, seconds: unknown, nowMs: number): string | undefined {
  if (seconds === undefined) return undefined
  if (typeof seconds !== 'number') return `${claim} is no number: expected seconds since 1970.`
  return seconds * 1_000 <= nowMs + TOKEN_CLOCK_TOLERANCE_MS
    ? undefined
    : `${claim} is in the future: one of the two clocks is wrong.`
}

/** The token of `Authorization: Bearer …`. */
export function bearer(header: string | undefined): string | undefined {
  return header?.startsWith('Bearer ') ? header.slice('Bearer '.length) : undefined
}
