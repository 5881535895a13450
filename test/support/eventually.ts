import { setTimeout as sleep } from 'node:timers/promises'
import { Patience } from './patience.ts'

const INTERVAL_MS = { least: 20, most: 200 }

/**
 * Polls until the value satisfies the condition, and returns it. An error of `read` is thrown at once. The interval grows
 * to a tenth of the time waited, and is three times as long as `read` took: an audit takes 50 ms of CPU time, which what
 * is waited for needs more.
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
    const readAtMs = performance.now()
    const seen = await read()
    if (isGood(seen)) return seen
    if (patience.isOver)
      throw new Error(
        `Waited ${Math.round(performance.now() - startedAtMs)} ms for ${what}; last seen: ${JSON.stringify(seen)}`,
      )
    const nowMs = performance.now()
    const intervalMs = Math.max((nowMs - startedAtMs) / 10, 3 * (nowMs - readAtMs), INTERVAL_MS.least)
    await sleep(Math.min(intervalMs, INTERVAL_MS.most))
  }
}
