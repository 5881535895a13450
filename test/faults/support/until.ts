import { setTimeout as sleep } from 'node:timers/promises'
import { Patience } from '../../support/patience.ts'

const LOOK_EVERY_MS = 50

/**
 * Waits until the condition holds, also outside vitest. @returns whether it did within the limit, which is that of a
 * calm machine.
 */
export async function holdsWithin(limitMs: number, condition: () => boolean | Promise<boolean>): Promise<boolean> {
  for (const patience = new Patience(limitMs); !patience.isOver; await sleep(LOOK_EVERY_MS)) {
    if (await condition()) return true
  }
  return await condition()
}

/** @throws when the condition does not come to hold in time. */
export async function until(what: string, limitMs: number, condition: () => boolean | Promise<boolean>): Promise<void> {
  if (!(await holdsWithin(limitMs, condition))) throw new Error(`Waited ${limitMs / 1_000} s for ${what}.`)
}
