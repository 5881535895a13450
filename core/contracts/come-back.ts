const FIRST_MS = 500
const LONGEST_MS = 8_000

/**
 * How long a client waits before it asks again: as long as it was told (Retry-After), and no shorter than a back-off
 * that doubles with each failure; up to half of it longer by chance, so that clients who failed together do not come
 * back together.
 * @param failures in a row, from 1 on
 */
export function comeBackMs(failures: number, toldMs = 0): number {
  const backoffMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 1))
  return Math.max(toldMs, backoffMs) * (1 + Math.random() / 2)
}
