import { KeyObject } from 'node:crypto'
import { createVerifier } from 'fast-jwt'
import type { CryptoKey, ProtectedHeaderParameters } from 'jose'
import type { KeySet, KeySetVersion } from './key-set.ts'
import type { ClaimRules } from './token-claims.ts'

/** None of them is symmetric: an HMAC under a public key must never verify. */
export const ASYMMETRIC = ['RS256', 'ES256', 'EdDSA'] as const
type Algorithm = (typeof ASYMMETRIC)[number]

/** A login with a key set, whose tokens are valid beside those under the shared secret. */
export interface OutsideLogin {
  keySet: KeySet
  algorithms: readonly Algorithm[]
  rules: ClaimRules
}

type Verify = (token: string) => unknown
/** Making one takes longer than verifying with it. jose keeps a key for as long as the set does not change. */
const verifiers = new WeakMap<CryptoKey, Verify>()

/**
 * The claims of a token, and the version of the key set that has its key.
 * @throws when its signature is not right by an allowed algorithm and a key of the set
 */
export async function claimsSignedOutside(
  token: string,
  header: ProtectedHeaderParameters,
  { keySet, algorithms }: OutsideLogin,
): Promise<{ claims: unknown; keys: KeySetVersion }> {
  const algorithm = algorithms.find((allowed) => allowed === header.alg)
  if (algorithm === undefined) throw new Error(`${header.alg} is not allowed`)
  const { key, version } = await keySet.find(header)
  const verify = verifiers.get(key) ?? verifierOf(key, algorithm)
  verifiers.set(key, verify)
  return { claims: verify(token), keys: version }
}

/**
 * By fast-jwt, as tokens under the shared secret are: jose's own check costs 1.2 to 2.6 times as much
 * (docs/performance.md). A key of jose's set is for one algorithm only.
 */
function verifierOf(key: CryptoKey, algorithm: Algorithm): Verify {
  const pem = KeyObject.from(key).export({ type: 'spki', format: 'pem' })
  return createVerifier({ key: pem, algorithms: [algorithm], ignoreExpiration: true, ignoreNotBefore: true })
}
