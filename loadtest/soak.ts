import type { Options } from 'k6/options'
import { steady } from './lib/arrivals.ts'
import { asPromised, everyUnitAccounted, nothingUnexpected, timesOfCalls } from './lib/counters.ts'
import { numberOf, secondsOf } from './lib/environment.ts'
import { watchGrowth } from './lib/growth.ts'
import { accountFor, openSale, type Sale } from './lib/sale.ts'
import { commonOptions, summaryOf } from './lib/summary.ts'
import { visit } from './lib/visit.ts'

/**
 * Does anything grow without bound? Purchases first, then sold out, while units of lapsed orders keep being released.
 */
const RATE = numberOf('RATE', 30)
const SECONDS = secondsOf('DURATION', '1h')
const STOCK = numberOf('STOCK', Math.ceil((RATE * SECONDS) / 2))
/** The warm-up is not watched: code is compiled, connections are opened. */
const WARM_UP_SECONDS = Math.min(60, Math.ceil(SECONDS / 6))

/**
 * Times and growth are shown in a shorter run, and judged in none: a pause of the machine of two seconds is more than
 * 1 % of a minute, and in thirds of 17 s the order service's lowest heap was 40 MB in one run and 95 MB in another,
 * as not every third had a full collection.
 */
const JUDGED_FROM_SECONDS = 600
const isJudged = SECONDS >= JUDGED_FROM_SECONDS

export const options: Options = {
  ...commonOptions,
  scenarios: {
    visits: steady('visits', { rate: RATE, seconds: SECONDS }),
    // One loop in one VU, which keeps the samples and puts no load on the system.
    growth: {
      executor: 'per-vu-iterations',
      exec: 'growth',
      vus: 1,
      iterations: 1,
      startTime: `${WARM_UP_SECONDS}s`,
      maxDuration: `${SECONDS + 60}s`,
    },
  },
  thresholds: {
    ...everyUnitAccounted(),
    ...nothingUnexpected,
    ...timesOfCalls,
    ...(isJudged ? asPromised : {}),
    grew: ['count==0'],
  },
}

export const setup = (): Sale => openSale(STOCK)
export const visits = visit
export const growth = (): void => watchGrowth(SECONDS - WARM_UP_SECONDS, isJudged)
export const teardown = accountFor
export const handleSummary = summaryOf('soak')
