import { createHmac, timingSafeEqual } from 'node:crypto'

/**
 * Signed calls between us and the payment provider, in both directions: `Payment-Signature: t=<unix seconds>,v1=<hex>`,
 * where v1 is the HMAC-SHA-256 of `<t>.<raw body>` under the shared secret. Signing the time bounds replays to the
 * tolerance; within it the receivers are idempotent.
 */
export const SIGNATURE_HEADER = 'Payment-Signature'
/** Covers clock skew and the time that a call is on its way. */
export const SIGNATURE_TOLERANCE_SECONDS = 300

export type SignatureFault = 'MISSING' | 'MALFORMED' | 'OUT_OF_TIME' | 'WRONG'

const FORMAT = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/

/** The value of the header for a body that is sent now. */
export function signBody(secret: string, body: string | Buffer, nowMs = Date.now()): string {
  const t = String(Math.floor(nowMs / 1_000))
  return `t=${t},v1=${digest(secret, t, body).toString('hex')}`
}

/** What is wrong with the signature of a raw body; undefined when it is valid. */
export function signatureFault(
  secret: string,
  header: string | undefined,
  body: Buffer,
  nowMs = Date.now(),
): SignatureFault | undefined {
  if (!header) return 'MISSING'
  const [, t, v1] = FORMAT.exec(header) ?? []
  return t === undefined || v1 === undefined ? 'MALFORMED' : signedFault(secret, { t, v1: [v1] }, body, nowMs)
}

/**
 * What is wrong with a time and the digests (64 hex digits each) that came with a raw body; one of them must be right.
 */
export function signedFault(
  secret: string,
  { t, v1 }: { t: string; v1: string[] },
  body: Buffer,
  nowMs: number,
): 'OUT_OF_TIME' | 'WRONG' | undefined {
  const expected = digest(secret, t, body)
  // Check the digest first, so that only holders of the secret learn about our clock.
  if (!v1.some((given) => timingSafeEqual(expected, Buffer.from(given, 'hex')))) return 'WRONG'
  return Math.abs(nowMs / 1_000 - Number(t)) > SIGNATURE_TOLERANCE_SECONDS ? 'OUT_OF_TIME' : undefined
}

/** Message for the caller: what is wrong and what was expected. */
export const signatureAdvice: Record<SignatureFault, string> = {
  MISSING: `The header ${SIGNATURE_HEADER} is missing; expected t=<unix seconds>,v1=<hex HMAC-SHA-256 of "<t>.<body>">.`,
  MALFORMED: `The header ${SIGNATURE_HEADER} is malformed; expected t=<unix seconds>,v1=<64 hex digits>.`,
  WRONG: 'The signature does not match the body; sign the exact bytes that are sent, with the shared secret.',
  OUT_OF_TIME:
    `The time of the signature is more than ${SIGNATURE_TOLERANCE_SECONDS} s away from ours; ` +
    'sign again and check the clock.',
}

function digest(secret: string, t: string, body: string | Buffer): Buffer {
  return createHmac('sha256', secret).update(`${t}.`).update(body).digest()
}
