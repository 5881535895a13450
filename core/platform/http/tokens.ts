import { createSigner, createVerifier } from 'fast-jwt'
import { decodeProtectedHeader, type ProtectedHeaderParameters } from 'jose'
import { LRUCache } from 'lru-cache'
import type { Buyer, BuyerClaims } from '../../contracts/limit-per-buyer.ts'
import type { KeySetVersion } from './key-set.ts'
import { claimsSignedOutside, type OutsideLogin } from './outside-login.ts'
import { type ClaimRules, readClaims } from './token-claims.ts'

const HOUR_MS = 3_600_000
/** Of a token of the demo's sign-in, unless the longest lifetime is shorter. */
const LIFETIME_MS = 12 * HOUR_MS
/** Ours have some 250 characters, those of outside logins 1,000 to 2,000. A longer one is refused before decoding. */
const LENGTH_MAX = 4_096
/** Of all remembered tokens of a process together: 8 MB, those of 8,000 buyers of an outside login. */
const REMEMBERED_CHARACTERS_MAX = 2 ** 23

export const REMEMBERED_MAX = 10_000

export type Verified = { buyer: Buyer } | { fault: string }

export interface Tokens {
  sign: (buyerId: string, claims?: BuyerClaims) => string
  /**
   * The buyer, or why the token is refused. More than "not valid" is told only of a token whose signature is right.
   * Only a token of an outside login that is not remembered takes a promise.
   */
  verify: (token: string | undefined) => Verified | Promise<Verified>
}

/** Of tokens under the shared secret. */
export const OUR_RULES: ClaimRules = {
  audience: 'seckill',
  lifetimeMaxMs: 24 * HOUR_MS,
  clockSkewMs: 15 * 60_000,
  tierClaim: 'tier',
  blockedClaim: 'blocked',
  registeredClaim: 'registered_at',
}

/** Also for a malformed or altered token: a forger must not learn which check failed. */
const NOT_SIGNED_IN: Verified = { fault: 'Send a valid token as "Authorization: Bearer <token>".' }

interface Remembered {
  verified: Verified
  endsAtMs: number
  /** The version of the key set that verified it; undefined of the shared secret. */
  keys: KeySetVersion | undefined
}

interface Options {
  rules?: ClaimRules
  login?: OutsideLogin | undefined
  rememberedMax?: number
}

/**
 * Buyers' bearer tokens: JWTs with `sub` (the buyer's id), `aud` and `exp`. Those under the secret (HS256) are signed
 * here or by any login that has it; those of an outside login, with its private keys. A verified token is remembered
 * until it ends or the key set changes.
 */
export function createTokens(
  secret: string,
  { rules = OUR_RULES, login, rememberedMax = REMEMBERED_MAX }: Options = {},
): Tokens {
  const sign = createSigner({
    key: secret,
    algorithm: 'HS256',
    aud: rules.audience,
    expiresIn: Math.min(LIFETIME_MS, rules.lifetimeMaxMs),
  })
  // The library checks the signature only: its messages about claims do not say which one is wrong.
  const verifyOurs = createVerifier({
    key: secret,
    algorithms: ['HS256'],
    ignoreExpiration: true,
    ignoreNotBefore: true,
  })
  const remembered =
    rememberedMax > 0
      ? new LRUCache<string, Remembered>({ max: rememberedMax, maxSize: REMEMBERED_CHARACTERS_MAX })
      : undefined

  function recall(token: string): Verified | undefined {
    const known = remembered?.get(token)
    if (known === undefined || known.endsAtMs <= Date.now()) return undefined
    return known.keys === undefined || known.keys === login?.keySet.version ? known.verified : undefined
  }

  function judge(token: string, claims: unknown, by: ClaimRules, keys?: KeySetVersion): Verified {
    const read = readClaims(claims as Record<string, unknown>, by, Date.now())
    if ('fault' in read) return read
    const verified = { buyer: read.buyer }
    remembered?.set(token, { verified, endsAtMs: read.endsAtMs, keys }, { size: token.length })
    return verified
  }

  async function verifyOutside(
    token: string,
    header: ProtectedHeaderParameters,
    outside: OutsideLogin,
  ): Promise<Verified> {
    try {
      const { claims, keys } = await claimsSignedOutside(token, header, outside)
      return judge(token, claims, outside.rules, keys)
    } catch {
      return NOT_SIGNED_IN
    }
  }

  return {
    sign: (buyerId, claims = {}) => sign({ ...claims, sub: buyerId }),
    verify(token) {
      if (token === undefined || token.length > LENGTH_MAX) return NOT_SIGNED_IN
      const known = recall(token)
      if (known) return known
      try {
        const header = login && decodeProtectedHeader(token)
        if (header && header.alg !== 'HS256') return verifyOutside(token, header, login)
        return judge(token, verifyOurs(token), rules)
      } catch {
        return NOT_SIGNED_IN
      }
    },
  }
}

/** The token of `Authorization: Bearer …`. */
export function bearer(header: string | undefined): string | undefined {
  return header?.startsWith('Bearer ') ? header.slice('Bearer '.length) : undefined
}
