import { SIGNATURE_TOLERANCE_SECONDS, signedFault } from '../../../core/platform/http/signature.ts'

const SCHEME = /^t=(?<time>\d{1,12})$|^v1=(?<digest>[0-9a-f]{64})$|^v[02-9]=\w*$/

/**
 * What is wrong with a `Stripe-Signature: t=<unix seconds>,v1=<hex>[,v1=<hex>…]`, as one sentence. While a secret is
 * rolled, the body is signed under both, and one v1 has to be ours; other schemes (v0, of test events) count for
 * nothing.
 */
export function stripeSignatureFault(
  secret: string,
  header: string | undefined,
  body: Buffer,
  nowMs = Date.now(),
): string | undefined {
  if (!header) return 'The header Stripe-Signature is missing.'
  const parts = header.split(',').map((part) => SCHEME.exec(part))
  const times = parts.flatMap((part) => part?.groups?.time ?? [])
  const v1 = parts.flatMap((part) => part?.groups?.digest ?? [])
  const [t] = times
  if (parts.includes(null) || t === undefined || times.length > 1 || v1.length === 0)
    return 'The header Stripe-Signature is malformed; expected one t=<unix seconds>, and v1=<64 hex digits>.'
  switch (signedFault(secret, { t, v1 }, body, nowMs)) {
    case 'WRONG':
      return 'No signature matches the body; check that PAYMENT_SECRET is the signing secret of this endpoint.'
    case 'OUT_OF_TIME':
      return `The signature is more than ${SIGNATURE_TOLERANCE_SECONDS} s away from our time; check the clock.`
    case undefined:
      return undefined
  }
}
