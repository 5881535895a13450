import { createHmac, timingSafeEqual } from 'node:crypto'

/**
 * Signed calls between us and the payment provider, in both directions: `Payment-Signature: t=<unix seconds>,v1=<hex>`,
 * where v1 is the HMAC-SHA-256 of `<t>.<raw body>` under the shared secret. The time is signed too, so that a recorded
 * call is worth nothing later; within the tolerance a repeat is possible, and the receivers are idempotent.
 */
export const SIGNATURE_HEADER = 'Payment-Signature'
/** Clocks may differ by this much, and a call may be on its way for so long. */
export const SIGNATURE_TOLERANCE_SECONDS = 300

export type SignatureFault = 'MISSING' | 'MALFORMED' | 'OUT_OF_TIME' | 'WRONG'

const FORMAT = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/

/** The header's value for a body that is sent at that time. */
export function signBody(secret: string, body: string | Buffer, nowMs = Date.now()): string {
  const t = String(Math.floor(nowMs / 1_000))
  return `t=${t},v1=${digest(secret, t, body).toString('hex')}`
}

/** What is wrong with the signature of a raw body; undefined when nothing is. */
export function signatureFault(
  secret: string,
  header: string | undefined,
  body: Buffer,
  nowMs = Date.now(),
): SignatureFault | undefined {
  if (!header) return 'MISSING'
  const [, t, v1] = FORMAT.exec(header) ?? []
  if (t === undefined || v1 === undefined) return 'MALFORMED'
  // The digest first: only whoever holds the secret learns anything about our clock.
  if (!timingSafeEqual(digest(secret, t, body), Buffer.from(v1, 'hex'))) return 'WRONG'
  return Math.abs(nowMs / 1_000 - Number(t)) > SIGNATURE_TOLERANCE_SECONDS ? 'OUT_OF_TIME' : undefined
}

/** What to tell the caller, with what would have been right. */
export const signatureAdvice: Record<SignatureFault, string> = {
  MISSING: `The header ${SIGNATURE_HEADER} is missing; expected t=<unix seconds>,v1=<hex HMAC-SHA-256 of "<t>.<body>">.`,
  MALFORMED: `The header ${SIGNATURE_HEADER} is malformed; expected t=<unix seconds>,v1=<64 hex digits>.`,
  WRONG: 'The signature does not match the body; sign the exact bytes that are sent, with the shared secret.',
  OUT_OF_TIME: `The signature's time is more than ${SIGNATURE_TOLERANCE_SECONDS} s away from ours; sign anew and check the clock.`,
}

function digest(secret: string, t: string, body: string | Buffer): Buffer {
  return createHmac('sha256', secret).update(`${t}.`).update(body).digest()
}
