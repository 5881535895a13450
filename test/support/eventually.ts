import { setTimeout as sleep } from 'node:timers/promises'
import { Patience } from './patience.ts'

const POLL_INTERVAL_MS = 20

/**
 * Polls until the value satisfies the condition, and returns it. An error of `read` is thrown at once.
 * @param limitMs for a calm machine; longer on a slow one (patience.ts)
 * @throws after the limit, with the last value
 */
export async function eventually<T>(
  what: string,
  read: () => Promise<T> | T,
  isGood: (value: T) => boolean,
  limitMs = 20_000,
): Promise<T> {
  const patience = new Patience(limitMs)
  const startedAtMs = performance.now()
  for (;;) {
    const seen = await read()
    if (isGood(seen)) return seen
    if (patience.isOver)
      throw new Error(
        `Waited ${Math.round(performance.now() - startedAtMs)} ms for ${what}; last seen: ${JSON.stringify(seen)}`,
      )
    await sleep(POLL_INTERVAL_MS)
  }
}
