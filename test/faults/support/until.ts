import { setTimeout as sleep } from 'node:timers/promises'

const LOOK_EVERY_MS = 50

/** Waits until the condition holds, also outside vitest. @returns whether it did within the limit. */
export async function holdsWithin(limitMs: number, condition: () => boolean | Promise<boolean>): Promise<boolean> {
  for (const until = Date.now() + limitMs; Date.now() < until; await sleep(LOOK_EVERY_MS)) {
    if (await condition()) return true
  }
  return await condition()
}

/** @throws when the condition does not come to hold in time. */
export async function until(what: string, limitMs: number, condition: () => boolean | Promise<boolean>): Promise<void> {
  if (!await holdsWithin(limitMs, condition)) throw new Error(`Waited ${limitMs / 1_000} s for ${what}.`)
}
