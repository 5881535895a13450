import { type Buyer, BuyerClaims } from '../../contracts/limit-per-buyer.ts'
import { BuyerId } from '../../contracts/values.ts'

/** What the claims of a token must say, and which of them say something of the buyer. */
export interface ClaimRules {
  /** Undefined accepts any. */
  issuer?: string
  audience: string
  lifetimeMaxMs: number
  /** Accepted difference between the signer's clock and ours. */
  clockSkewMs: number
  tierClaim: string
  blockedClaim: string
  registeredClaim: string
}

type Claims = Record<string, unknown>

/** The buyer that the claims of a signed token name and when the token ends, or which claim is wrong. */
export function readClaims(
  claims: Claims,
  rules: ClaimRules,
  nowMs: number,
): { buyer: Buyer; endsAtMs: number } | { fault: string } {
  const fault =
    issuerFault(claims, rules) ??
    audienceFault(claims, rules) ??
    startFault('iat', claims, rules, nowMs) ??
    startFault('nbf', claims, rules, nowMs) ??
    expiryFault(claims, rules, nowMs)
  if (fault !== undefined) return { fault: `The token is signed, but its ${fault}` }
  const { success, data, error } = BuyerId.safeParse(claims.sub)
  if (!success) return { fault: `The token is signed, but its sub is no buyer's id: ${error.issues[0]?.message}.` }
  const buyer: Buyer = { id: data, claims: BuyerClaims.parse({ ...claims, tier: claims[rules.tierClaim] }) }
  if (claims[rules.blockedClaim] === true) buyer.isBlocked = true
  const registeredAt = claims[rules.registeredClaim]
  if (typeof registeredAt === 'number') buyer.registeredAtMs = registeredAt * 1_000
  return { buyer, endsAtMs: Number(claims.exp) * 1_000 }
}

function issuerFault({ iss }: Claims, { issuer }: ClaimRules): string | undefined {
  return issuer === undefined || iss === issuer ? undefined : `iss is another login's: expected "${issuer}".`
}

function audienceFault({ aud }: Claims, { audience }: ClaimRules): string | undefined {
  const isOurs = aud === audience || (Array.isArray(aud) && aud.includes(audience))
  return isOurs ? undefined : `aud is for others: expected "${audience}", or a list with it.`
}

/** `iat` and `nbf`, which a token may leave out. */
function startFault(claim: string, claims: Claims, { clockSkewMs }: ClaimRules, nowMs: number): string | undefined {
  const seconds = claims[claim]
  if (seconds === undefined) return undefined
  if (typeof seconds !== 'number') return `${claim} is no number: expected seconds since 1970.`
  return seconds * 1_000 <= nowMs + clockSkewMs
    ? undefined
    : `${claim} is in the future: one of the two clocks is wrong.`
}

/** Without `iat` the lifetime is counted from now, and the signer's clock may be ahead. */
function expiryFault({ exp, iat }: Claims, rules: ClaimRules, nowMs: number): string | undefined {
  if (typeof exp !== 'number') return 'exp is missing or no number: expected the seconds since 1970 at which it ends.'
  if (exp * 1_000 <= nowMs) return 'exp is over: sign in again.'
  const bornAtMs = typeof iat === 'number' ? iat * 1_000 : nowMs + rules.clockSkewMs
  return exp * 1_000 <= bornAtMs + rules.lifetimeMaxMs
    ? undefined
    : `exp is too far away: expected at most ${rules.lifetimeMaxMs / 3_600_000} hours after iat, or from now.`
}
