import type { Registry } from 'prom-client'
import { gauge } from '../process/metrics.ts'
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
    const offMs = await readAheadMs(readMs).catch(() => 0)
    if (Math.abs(offMs) <= toleranceMs) return true
    const seconds = Math.round(Math.abs(offMs) / 1_000)
    return {
      code: 'CLOCK_WRONG',
      detail:
        `The clock of this service is ${seconds} s ${offMs > 0 ? 'ahead of' : 'behind'} that of ${name}, ` +
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

/** Shows how far this process' clock is from the reference clock; nothing while that cannot be read. */
export function showClockOffset(registry: Registry, readMs: () => Promise<number>): void {
  gauge(registry, 'seckill_clock_offset_seconds', async (offset) => {
    const offMs = await readAheadMs(readMs).catch(() => undefined)
    if (offMs === undefined) offset.remove({ clock: 'process' })
    else offset.set({ clock: 'process' }, Math.abs(offMs) / 1_000)
  })
}

/** Negative when this process' clock is behind. @throws when the reference clock cannot be read */
async function readAheadMs(readMs: () => Promise<number>): Promise<number> {
  const askedAtMs = Date.now()
  const theirMs = await readMs()
  return aheadMs(theirMs, askedAtMs, Date.now())
}

/** The clocks agree (0) when theirs lies between asking and the answer, however long that took. */
export function aheadMs(theirMs: number, askedAtMs: number, answeredAtMs: number): number {
  return theirMs < askedAtMs ? askedAtMs - theirMs : Math.min(0, answeredAtMs - theirMs)
}
