import type { CheckResult } from '../process/readiness.ts'

/**
 * For /readyz of a service that verifies signed times: with its clock further off than they tolerate it refuses
 * everybody.
 * @param name whose clock is asked
 * @param readMs that clock, in ms since 1970; when it does not answer, another check says so
 */
export function clockCheck(
  name: string,
  readMs: () => Promise<number>,
  toleranceMs: number,
): () => Promise<CheckResult> {
  return async () => {
    const askedAtMs = Date.now()
    const theirMs = await readMs().catch(() => Number.NaN)
    const answeredAtMs = Date.now()
    // However long the answer took, the two agree when theirs lies in between.
    const aheadMs = theirMs < askedAtMs ? askedAtMs - theirMs : theirMs > answeredAtMs ? answeredAtMs - theirMs : 0
    if (Math.abs(aheadMs) <= toleranceMs) return true
    const difference = `${Math.round(Math.abs(aheadMs) / 1_000)} s ${aheadMs > 0 ? 'ahead of' : 'behind'} that of ${name}`
    return {
      code: 'CLOCK_WRONG',
      detail: `The clock of this service is ${difference}, and signed times may differ by ${toleranceMs / 1_000} s: set both clocks by NTP.`,
    }
  }
}
