import type { CheckResult } from '../process/readiness.ts'

/** Less than whoever asks /readyz waits for it. */
const ANSWER_LIMIT_MS = 1_000
/** However often /readyz is asked, the service is asked once in so long. */
const KEPT_MS = 2_000

/**
 * A check of /readyz that a service which we call answers at the address in this setting. When it does not, that is
 * shown, and we stay ready: what works without it goes on.
 * @param consequence what does not work meanwhile, as the end of a sentence
 */
export function reachable(setting: string, url: string, consequence: string): () => Promise<CheckResult> {
  let asked: { atMs: number; result: Promise<CheckResult> } | undefined

  async function ask(): Promise<CheckResult> {
    const fault = await fetch(`${url}/livez`, {
      redirect: 'manual',
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    }).then(({ status }) => (status < 500 ? undefined : `it answers ${status}`), faultOf)
    if (fault === undefined) return true
    const detail = `${setting} names a service that cannot be reached (${fault}); start it or correct the address: ${consequence}.`
    return { code: 'UNREACHABLE', detail, staysReady: true }
  }

  return () => {
    if (!asked || performance.now() - asked.atMs > KEPT_MS) asked = { atMs: performance.now(), result: ask() }
    return asked.result
  }
}

/** A code such as ECONNREFUSED, ENOTFOUND or CERT_HAS_EXPIRED, without the address: /readyz may be asked by anybody. */
function faultOf(error: Error): string {
  if (error.name === 'TimeoutError') return `no answer within ${ANSWER_LIMIT_MS} ms`
  const { code } = (error.cause ?? {}) as { code?: unknown }
  return typeof code === 'string' ? code : 'no answer'
}
