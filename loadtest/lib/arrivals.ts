import type { ConstantArrivalRateScenario, RampingArrivalRateScenario, Stage } from 'k6/options'

/**
 * Buyers come when they come, however slow the answers are (an open model): a closed loop of users would slow down with
 * the system and hide what it does to the people in front of it.
 */
interface Arrivals {
  /** Iterations a second. */
  rate: number
  seconds: number
  startSeconds?: number
  /** How long one buyer may keep a VU busy; k6 drops who finds none free, and says so. */
  busySeconds?: number
  /** How long those who came last may take to finish. */
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
