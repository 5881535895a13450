import { hash, timingSafeEqual } from 'node:crypto'

const BLOCK_BYTES = 64
const HASH_BYTES = 32
/** Logins sign all of their tokens under one header, or a few. */
const HEADERS_KEPT = 100

/**
 * Verifies the signature of JWTs under HS256, and nothing else of them. A library's verifier takes 6 µs, a fifth of a
 * refusal; this takes 2.
 * @returns reads the claims; undefined for every text that is no JWT with a valid signature under HS256
 */
export function hs256Verifier(secret: string): (token: string) => Record<string, unknown> | undefined {
  const signatureOf = hmacSha256(secret)
  const headers = new Map<string, boolean>()

  function isHs256(header: string): boolean {
    const known = headers.get(header)
    if (known !== undefined) return known
    if (headers.size >= HEADERS_KEPT) headers.clear()
    const { alg, crit } = jsonIn(header) ?? {}
    // `crit` names extensions that a verifier must know (RFC 7515, 4.1.11); this one knows none.
    const isKnown = alg === 'HS256' && crit === undefined
    headers.set(header, isKnown)
    return isKnown
  }

  return (token) => {
    const [header = '', claims = '', signature, ...more] = token.split('.')
    if (signature === undefined || more.length > 0 || !isHs256(header)) return undefined
    // As text, so that exactly one spelling of a signature is valid.
    const expected = Buffer.from(signatureOf(`${header}.${claims}`))
    const given = Buffer.from(signature)
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
    return jsonIn(claims)
  }
}

/** HMAC (RFC 2104) in base64url. Two one-shot hashes take 1.1 µs, one of node's Hmac objects 2.5. */
function hmacSha256(secret: string): (text: string) => string {
  const given = Buffer.from(secret)
  const key = given.length > BLOCK_BYTES ? hash('sha256', given, 'buffer') : given
  const padded = (byte: number) => Buffer.alloc(BLOCK_BYTES, byte).map((pad, i) => pad ^ (key[i] ?? 0))
  const inner = Buffer.from(padded(0x36)).toString('latin1')
  const outer = Buffer.concat([padded(0x5c), Buffer.alloc(HASH_BYTES)])
  return (text) => {
    // One byte for each character: base64url has no others, and what else a token holds must not pass for them.
    outer.set(hash('sha256', Buffer.from(inner + text, 'latin1'), 'buffer'), BLOCK_BYTES)
    return hash('sha256', outer, 'base64url')
  }
}

const BASE64URL = /^[\w-]+$/

/** The object that a part of a token holds. */
function jsonIn(part: string): Record<string, unknown> | undefined {
  if (!BASE64URL.test(part)) return undefined
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
