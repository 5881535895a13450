import { setTimeout as delay } from 'node:timers/promises'

/** Waits until the value satisfies the condition and returns it. @throws after `limitMs`, showing the last value. */
export async function eventually<T>(what: string, read: () => Promise<T> | T, isGood: (value: T) => boolean, limitMs = 20_000): Promise<T> {
  const untilMs = Date.now() + limitMs
  for (;;) {
    const value = await read()
    if (isGood(value)) return value
    if (Date.now() > untilMs) throw new Error(`Waited ${limitMs} ms for ${what}; last seen: ${JSON.stringify(value)}`)
    await delay(20)
  }
}
