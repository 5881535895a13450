import { vi } from 'vitest'

/** Waits until the value satisfies the condition and returns it. @throws after `limitMs`, showing the last value. */
export async function eventually<T>(what: string, read: () => Promise<T> | T, isGood: (value: T) => boolean, limitMs = 20_000): Promise<T> {
  const seen: { last?: T } = {}
  // What `read` throws is thrown at once; only what it returns is waited for.
  const value = await vi.waitUntil(async () => {
    seen.last = await read()
    return isGood(seen.last) && { good: seen.last }
  }, { timeout: limitMs, interval: 20 }).catch((error: unknown) => {
    if (!isTimeout(error)) throw error
    throw new Error(`Waited ${limitMs} ms for ${what}; last seen: ${JSON.stringify(seen.last)}`)
  })
  return value.good
}

const isTimeout = (error: unknown) => error instanceof Error && error.message.startsWith('Timed out in waitUntil')
