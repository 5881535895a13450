import { availableParallelism, loadavg } from 'node:os'

/** Whatever was done to it, the system makes good within this time, by itself. */
const HEALING_LIMIT_MS = 30_000
/** Four times as long at most, or a hang would pass for a slow machine. */
const STRETCH_MAX = 4

/**
 * Longer where more than two programs wait for each core: at ten, commands to Redis take longer than the second that
 * services wait for them, and it is the machine that has to heal.
 */
export function healingLimitMs(): number {
  const stretch = (loadavg()[0] ?? 0) / (2 * availableParallelism())
  return HEALING_LIMIT_MS * Math.min(Math.max(stretch, 1), STRETCH_MAX)
}
