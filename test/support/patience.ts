import { availableParallelism, loadavg } from 'node:os'

/**
 * The one place that knows of slow machines. The limits of the tests are those of a calm one; here they are stretched
 * by how slow this machine is just now, be it old, throttled, or busy with something else. On a calm machine nothing
 * takes longer.
 */

/** What the work below takes on the machine on which the limits were chosen, with nothing else to do. */
const WORK_TAKES_MS = 3.5
const WORK_STEPS = 3_000_000
const LOOK_EVERY_MS = 1_000
/** A hang must end, too. */
const SLOWNESS_MAX = 20
/** The suite itself keeps that many programs waiting for each core, and makes the machine so much slower. */
const USUAL_LOAD = 2
const USUAL_SLOWNESS = 2

let latest = 1
let lookedAtMs = -Infinity

/** How many times slower than usual this machine is just now: 1 at least. */
export function slowness(): number {
  if (performance.now() - lookedAtMs < LOOK_EVERY_MS) return latest
  if (lookedAtMs < 0) work() // Slower the first time, before it is compiled.
  const measured = Math.max(workMs() / WORK_TAKES_MS, (loadavg()[0] ?? 0) / (USUAL_LOAD * availableParallelism()), 1)
  lookedAtMs = performance.now()
  // One quick answer proves little: it may have been let through at once. It falls by halves.
  latest = Math.min(Math.max(measured, latest / 2), SLOWNESS_MAX)
  return latest
}

function workMs(): number {
  const startedAtMs = performance.now()
  work()
  return performance.now() - startedAtMs
}

function work(): number {
  let hash = 1
  for (let i = 0; i < WORK_STEPS; i++) hash = Math.imul(hash ^ i, 16_777_619)
  return hash
}

/** For limits that have to be given in advance. */
export const stretched = (limitMs: number): number => Math.ceil(limitMs * slowness())

/**
 * For what a test sits out, such as a lifetime: chosen for the suite's own load, it is longer only where the machine is
 * slower still.
 */
export const slowed = (ms: number): number => Math.ceil(ms * Math.max(slowness() / USUAL_SLOWNESS, 1))
/** The same as a setting in seconds. */
export const slowedSeconds = (seconds: number): string => String(slowed(seconds * 1_000) / 1_000)

/** A limit of something that is waited for by looking again and again: slow times count for less. */
export class Patience {
  readonly #limitMs: number
  #usedMs = 0
  #lookedAtMs = performance.now()

  constructor(limitMs: number) {
    this.#limitMs = limitMs
  }

  /** To be asked with every look. */
  get isOver(): boolean {
    const nowMs = performance.now()
    const elapsedMs = nowMs - this.#lookedAtMs
    this.#lookedAtMs = nowMs
    // Most waits are over before the machine has to be measured.
    this.#usedMs += this.#usedMs < LOOK_EVERY_MS ? elapsedMs : elapsedMs / slowness()
    return this.#usedMs > this.#limitMs
  }
}
