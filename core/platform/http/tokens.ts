import { createSigner, createVerifier } from 'fast-jwt'
import { BuyerId } from '../../contracts/http.ts'

const AUDIENCE = 'seckill'
const LIFETIME_MS = 12 * 3_600_000
/** Outside logins make tokens for a day. One that outlives that cannot be taken back, so it is none of ours. */
const LIFETIME_HOURS_MAX = 24
/** The clocks of the signer and of this process may differ by so much: ten minutes must not turn buyers away. */
export const TOKEN_CLOCK_TOLERANCE_MS = 15 * 60_000
/**
 * Ours have some 250 characters, those of outside logins 1,000 to 2,000. A longer one is refused before anything is
 * decoded.
 */
const LENGTH_MAX = 4_096

export type Verified = { buyerId: string } | { fault: string }

export interface Tokens {
  sign: (buyerId: string) => string
  /** The buyer, or why nobody is signed in. More than "not valid" is told only of a token whose signature is right. */
  verify: (token: string | undefined) => Verified
}

/** Also of what is malformed or altered: a forger learns nothing of how far they came. */
const NOT_SIGNED_IN: Verified = { fault: 'Send a valid token as "Authorization: Bearer <token>".' }

/**
 * Buyers' bearer tokens: JWT, HS256, with `sub` (the buyer's id), `aud` and `exp`, made here or by any login that has
 * the secret. Verified synchronously in 4 µs. Without the library's memory of checked tokens: a rush is mostly new
 * buyers, for whom that memory makes 8 µs of it.
 */
export function createTokens(secret: string): Tokens {
  const sign = createSigner({ key: secret, algorithm: 'HS256', aud: AUDIENCE, expiresIn: LIFETIME_MS })
  // The library checks the signature; it would say of one bad claim only that there is one.
  const verify = createVerifier({ key: secret, algorithms: ['HS256'], ignoreExpiration: true, ignoreNotBefore: true })
  return {
    sign: (buyerId) => sign({ sub: buyerId }),
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

function readClaims({ sub, aud, exp, iat, nbf }: Record<string, unknown>, nowMs: number): Verified {
  const fault =
    audienceFault(aud) ?? expiryFault(exp, nowMs) ?? startFault('iat', iat, nowMs) ?? startFault('nbf', nbf, nowMs)
  if (fault !== undefined) return { fault: `The token is signed, but its ${fault}` }
  const { success, data, error } = BuyerId.safeParse(sub)
  return success
    ? { buyerId: data }
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
