import type { CheckResult } from '../process/readiness.ts'

/** Minimum interval between two readings of the reference clock, because /readyz is public and has no rate limit. */
const INTERVAL_MS = 1_000

/**
 * For /readyz of a service that verifies signed times: it would reject every signature once its clock is off by more
 * than the tolerance.
 * @param name of the server with the reference clock
 * @param readMs reads the reference clock, in ms since 1970; when this fails, the check passes, because another check
 * reports the server
 */
export function clockCheck(
  name: string,
  readMs: () => Promise<number>,
  toleranceMs: number,
): () => Promise<CheckResult> {
  let comparedAtMs = -Infinity
  let result: Promise<CheckResult>

  async function compare(): Promise<CheckResult> {
    const askedAtMs = Date.now()
    const theirMs = await readMs().catch(() => undefined)
    const answeredAtMs = Date.now()
    if (theirMs === undefined) return true
    // The clocks agree when theirs lies between asking and the answer, however long that took.
    const aheadMs = theirMs < askedAtMs ? askedAtMs - theirMs : Math.min(0, answeredAtMs - theirMs)
    if (Math.abs(aheadMs) <= toleranceMs) return true
    const seconds = Math.round(Math.abs(aheadMs) / 1_000)
    return {
      code: 'CLOCK_WRONG',
      detail:
        `The clock of this service is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} that of ${name}, ` +
        `and signed times may differ by ${toleranceMs / 1_000} s: set both clocks by NTP.`,
    }
  }
  return () => {
    if (performance.now() - comparedAtMs < INTERVAL_MS) return result
    comparedAtMs = performance.now()
    result = compare()
    return result
  }
}
