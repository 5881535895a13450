/**
 * The server's clock, which opens sales and ends orders. Counted on from `performance.now()`, so that
 * setting the computer's clock does not move it.
 */
export interface ServerClock {
  /** Takes over what an answer said, which was asked for at that `performance.now()`. */
  learn: (serverTime: string, askedAtMs: number) => void
  /** ms since 1970. */
  nowMs: () => number
}

/** After so long another answer is believed, also one that took longer: quartz drifts by some ms a minute. */
const BELIEVED_MS = 60_000
/** What drift and rounding may come to until then. */
const DRIFT_MS = 100

export function createClock(
  monotonicMs: () => number = () => performance.now(),
  startMs: number = Date.now(),
): ServerClock {
  let aheadMs = startMs - monotonicMs()
  let uncertainMs = Infinity
  let learnedAtMs = 0
  return {
    learn(serverTime, askedAtMs) {
      const nowMs = monotonicMs()
      // The server read its clock at some moment between question and answer: half of the time between is the most to
      // be off.
      const errorMs = (nowMs - askedAtMs) / 2
      const newAheadMs = Date.parse(serverTime) - (askedAtMs + nowMs) / 2
      // Both cannot be right: `performance.now()` stood still while the device slept, or the server's clock was set.
      const hasJumped = Math.abs(newAheadMs - aheadMs) > errorMs + uncertainMs + DRIFT_MS
      if (errorMs > uncertainMs && !hasJumped && nowMs - learnedAtMs < BELIEVED_MS) return
      aheadMs = newAheadMs
      uncertainMs = errorMs
      learnedAtMs = nowMs
    },
    nowMs: () => monotonicMs() + aheadMs,
  }
}
