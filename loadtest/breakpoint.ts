import exec from 'k6/execution'
import { Rate } from 'k6/metrics'
import type { Options } from 'k6/options'
import { ramping } from './lib/arrivals.ts'
import { attempt } from './lib/attempt.ts'
import { newBuyer } from './lib/buyer.ts'
import { everyUnitAccounted, timesOfCalls } from './lib/counters.ts'
import { numberOf, secondsOf } from './lib/environment.ts'
import { accountFor, openSale, type Sale } from './lib/sale.ts'
import { commonOptions, grouped, type Metrics, row, summaryOf } from './lib/summary.ts'

/** How many buyers a second can be served? The rate rises step by step until a limit is crossed. */
const STEP = numberOf('STEP', 250)
const RATE = numberOf('RATE', 20 * STEP)
const STEP_SECONDS = secondsOf('DURATION', '10s')
const STOCK = numberOf('STOCK', 5_000_000)
/** The limits: slower answers than this, more faults and refusals, or more dropped iterations (k6 has no free VU). */
const P95_MS_MAX = 500
const SERVED_MIN = 0.99
const DROPPED_MAX = STEP
/** A step counts as held when this share of its offered rate was served; the seconds of k6 are not exact. */
const HELD_MIN = 0.97
/**
 * Enough for the highest step at ordinary latency. All are allocated at the start: allocating during the run costs CPU.
 */
const VUS = numberOf('VUS', 400)

const steps = Array.from({ length: Math.ceil(RATE / STEP) }, (_, i) => (i + 1) * STEP)

export const options: Options = {
  ...commonOptions,
  scenarios: {
    // Each step is held, so that its figures are its own.
    climb: {
      ...ramping(
        'climb',
        steps.flatMap((target) => [
          { target, duration: '0s' },
          { target, duration: `${STEP_SECONDS}s` },
        ]),
      ),
      preAllocatedVUs: VUS,
      maxVUs: VUS,
    },
  },
  thresholds: {
    ...everyUnitAccounted(),
    ...timesOfCalls,
    dropped_iterations: [{ threshold: `count<${DROPPED_MAX}`, abortOnFail: true }],
    ...Object.fromEntries(
      steps.flatMap((step) => [
        [`served{step:${step}}`, [{ threshold: `rate>${SERVED_MIN}`, abortOnFail: true }]],
        [`http_req_duration{step:${step}}`, [{ threshold: `p(95)<${P95_MS_MAX}`, abortOnFail: true }]],
      ]),
    ),
  },
}

export const setup = (): Sale => openSale(STOCK)
export const teardown = accountFor
export const handleSummary = summaryOf('breakpoint', {
  limits: ['dropped_iterations', 'served', 'http_req_duration'],
  more: climbed,
})

const served = new Rate('served')

/** A new buyer who only reserves; the tear-down accounts for the orders. */
export function climb(sale: Sale): void {
  const seconds = (Date.now() - exec.scenario.startTime) / 1_000
  exec.vu.metrics.tags.step = steps[Math.floor(seconds / STEP_SECONDS)] ?? RATE
  const { outcome } = attempt(sale.id, newBuyer(sale.id))
  served.add(outcome === 'ACCEPTED' || outcome === 'SOLD_OUT')
}

interface Step {
  offered: number
  attempts: number
  servedRate: number
  servedPerSecond: number
  p95Ms: number
}

/** A row per step, and the result. */
function climbed(metrics: Metrics): string[] {
  const reached = steps.map((step) => measured(step, metrics)).filter(({ attempts }) => attempts > 0)
  const broke = reached.find((step) => !isHeld(step))
  const held = reached[broke ? reached.indexOf(broke) - 1 : reached.length - 1]?.offered ?? 0
  return [
    '',
    row('offered a second', ['a second', 'served', 'p(95) ms']),
    ...reached.map((step) =>
      row(grouped(step.offered), [
        step === broke ? 'broke' : grouped(Math.round(step.servedPerSecond)),
        `${(step.servedRate * 100).toFixed(1)} %`,
        step.p95Ms.toFixed(1),
      ]),
    ),
    '',
    broke
      ? `  Held ${grouped(held)} buyers a second; ${grouped(broke.offered)} were too many.`
      : `  Held every step up to ${grouped(held)} buyers a second; a higher RATE would find the limit.`,
  ]
}

function measured(step: number, metrics: Metrics): Step {
  const { passes = 0, fails = 0, rate = 0 } = metrics[`served{step:${step}}`]?.values ?? {}
  const p95Ms = metrics[`http_req_duration{step:${step}}`]?.values['p(95)'] ?? 0
  return { offered: step, attempts: passes + fails, servedRate: rate, servedPerSecond: passes / STEP_SECONDS, p95Ms }
}

/** Whether the step was served at its rate and in time. A step that was cut short has served too few. */
function isHeld({ offered, servedRate, servedPerSecond, p95Ms }: Step): boolean {
  return servedPerSecond > HELD_MIN * offered && servedRate > SERVED_MIN && p95Ms < P95_MS_MAX
}
