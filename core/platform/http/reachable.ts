import type { CheckResult } from '../process/readiness.ts'

/** Shorter than the time-out of probes of /readyz. */
const ANSWER_LIMIT_MS = 1_000
/** Minimum interval between two requests to the service, however often /readyz is asked. */
const INTERVAL_MS = 2_000

/**
 * A check for /readyz: whether a service that we call answers at the URL in this setting. A failure is shown, but the
 * caller stays ready, because everything that does not need the other service goes on.
 * @param consequence what does not work meanwhile, as the end of a sentence
 */
export function reachable(setting: string, url: string, consequence: string): () => Promise<CheckResult> {
  let last: { askedAtMs: number; result: Promise<CheckResult> } | undefined

  async function ask(): Promise<CheckResult> {
    const fault = await fetch(`${url}/livez`, {
      redirect: 'manual',
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    }).then(({ status }) => (status < 500 ? undefined : `it answers ${status}`), faultOf)
    if (fault === undefined) return true
    return {
      code: 'UNREACHABLE',
      detail:
        `${setting} names a service that cannot be reached (${fault}); ` +
        `start it or correct the address: ${consequence}.`,
      staysReady: true,
    }
  }

  return () => {
    if (!last || performance.now() - last.askedAtMs > INTERVAL_MS)
      last = { askedAtMs: performance.now(), result: ask() }
    return last.result
  }
}

/** A code such as ECONNREFUSED, ENOTFOUND or CERT_HAS_EXPIRED, without the address, because /readyz is public. */
function faultOf(error: Error): string {
  if (error.name === 'TimeoutError') return `no answer within ${ANSWER_LIMIT_MS} ms`
  const { code } = (error.cause ?? {}) as { code?: unknown }
  return typeof code === 'string' ? code : 'no answer'
}
