import { setTimeout as sleep } from 'node:timers/promises'
import { Patience } from './patience.ts'

const LOOK_EVERY_MS = 20

/**
 * Waits until the value satisfies the condition and returns it. What `read` throws is thrown at once.
 * @throws after `limitMs` of a calm machine, showing the last value.
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
    await sleep(LOOK_EVERY_MS)
  }
}
