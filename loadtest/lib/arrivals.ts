import type { ConstantArrivalRateScenario, RampingArrivalRateScenario, Stage } from 'k6/options'

/**
 * An open model: buyers arrive at a rate, however slow the answers are. A closed loop of users would slow down with the
 * system and hide its latency (coordinated omission).
 */
interface Arrivals {
  /** Iterations a second. */
  rate: number
  seconds: number
  startSeconds?: number
  /** How long one buyer may keep a VU busy; k6 drops an iteration that finds no free VU, and counts it. */
  busySeconds?: number
  /** How long the last buyers may take to finish. */
  finishSeconds?: number
}

const BUSY_SECONDS = 0.5
const FINISH_SECONDS = 75

export function steady(
  exec: string,
  { rate, seconds, startSeconds = 0, busySeconds, finishSeconds }: Arrivals,
): ConstantArrivalRateScenario {
  return {
    executor: 'constant-arrival-rate',
    exec,
    duration: `${seconds}s`,
    startTime: `${startSeconds}s`,
    // Below one a second k6 wants a longer unit of time.
    ...(rate >= 1 ? { rate: Math.round(rate) } : { rate: 1, timeUnit: `${Math.round(1 / rate)}s` }),
    ...vus(rate, busySeconds),
    gracefulStop: `${finishSeconds ?? FINISH_SECONDS}s`,
  }
}

/** `rate` is the highest of the stages'. */
export function ramping(
  exec: string,
  stages: Stage[],
  { startSeconds = 0, busySeconds, finishSeconds }: Omit<Arrivals, 'rate' | 'seconds'> = {},
): RampingArrivalRateScenario {
  const rates = stages.map(({ target }) => target)
  return {
    executor: 'ramping-arrival-rate',
    exec,
    startRate: rates[0] ?? 1,
    startTime: `${startSeconds}s`,
    stages: stages.map((stage) => ({ ...stage, target: Math.round(stage.target) })),
    ...vus(Math.max(...rates), busySeconds),
    gracefulStop: `${finishSeconds ?? FINISH_SECONDS}s`,
  }
}

function vus(rate: number, busySeconds = BUSY_SECONDS): { preAllocatedVUs: number; maxVUs: number } {
  const expected = Math.ceil(rate * busySeconds) + 5
  return { preAllocatedVUs: expected, maxVUs: expected * 4 }
}
