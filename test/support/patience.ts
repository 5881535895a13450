import { availableParallelism, loadavg } from 'node:os'

/**
 * The limits of the tests are those of a calm machine. This file alone stretches them by the current slowness of this
 * machine, whether it is old, throttled or busy. On a calm machine nothing takes longer.
 */

/** Duration of `work` on the idle machine for which the limits were chosen. */
const WORK_TAKES_MS = 3.5
const WORK_STEPS = 3_000_000
const MEASURE_INTERVAL_MS = 1_000
const MEASUREMENTS = 5
/** Bounds the limits, so that a hang ends. */
const SLOWNESS_MAX = 20
/** Load per core, and slowness, that the suite itself causes. */
const USUAL_LOAD = 2
const USUAL_SLOWNESS = 2

let isWarm = false
let latest = 1
let measuredAtMs = -Infinity
let typical = 1
let typicalAtMs = -Infinity

/** How many times slower than usual this machine currently is, 1 at least. */
export function slowness(): number {
  if (performance.now() - measuredAtMs < MEASURE_INTERVAL_MS) return latest
  const measured = measure()
  measuredAtMs = performance.now()
  // Halve at most: a single fast measurement may be luck.
  latest = Math.min(Math.max(measured, latest / 2), SLOWNESS_MAX)
  return latest
}

/** Median: on a calm machine another worker of the suite may interrupt a measurement, which then finds up to 16. */
function typicalSlowness(): number {
  if (performance.now() - typicalAtMs < MEASURE_INTERVAL_MS) return typical
  const measured = Array.from({ length: MEASUREMENTS }, measure).toSorted((one, other) => one - other)
  typical = Math.min(measured[MEASUREMENTS >> 1] ?? 1, SLOWNESS_MAX)
  typicalAtMs = performance.now()
  return typical
}

function measure(): number {
  if (!isWarm) work() // The first run is slower, before the JIT has compiled it.
  isWarm = true
  const startedAtMs = performance.now()
  work()
  const workMs = performance.now() - startedAtMs
  return Math.max(workMs / WORK_TAKES_MS, (loadavg()[0] ?? 0) / (USUAL_LOAD * availableParallelism()), 1)
}

function work(): number {
  let hash = 1
  for (let i = 0; i < WORK_STEPS; i++) hash = Math.imul(hash ^ i, 16_777_619)
  return hash
}

/** For limits that must be set in advance. */
export const stretched = (limitMs: number): number => Math.ceil(limitMs * slowness())

/**
 * For durations that a test waits out, such as a lifetime: longer only when the machine is slower than under the suite.
 */
export const slowed = (ms: number): number => Math.ceil(ms * Math.max(typicalSlowness() / USUAL_SLOWNESS, 1))
/** As a setting in seconds. */
export const slowedSeconds = (seconds: number): string => String(slowed(seconds * 1_000) / 1_000)

/** The time limit of a poll loop; time on a slow machine counts less. */
export class Patience {
  readonly #limitMs: number
  #usedMs = 0
  #polledAtMs = performance.now()

  constructor(limitMs: number) {
    this.#limitMs = limitMs
  }

  /** Must be read with every poll. */
  get isOver(): boolean {
    const nowMs = performance.now()
    const elapsedMs = nowMs - this.#polledAtMs
    this.#polledAtMs = nowMs
    // Most waits end before a measurement is needed.
    const isShort = this.#usedMs + elapsedMs < MEASURE_INTERVAL_MS
    this.#usedMs += isShort ? elapsedMs : elapsedMs / slowness()
    return this.#usedMs > this.#limitMs
  }
}
