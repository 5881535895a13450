import type { Options } from 'k6/options'
import { ramping } from './lib/arrivals.ts'
import { asPromised, everyUnitAccounted, nothingUnexpected, timesOfCalls } from './lib/counters.ts'
import { numberOf, secondsOf } from './lib/environment.ts'
import { accountFor, openSale, type Sale } from './lib/sale.ts'
import { commonOptions, summaryOf } from './lib/summary.ts'
import { visit } from './lib/visit.ts'

/**
 * The planned load. The first half of the buyers, or nearly, find stock; the others are told SOLD_OUT.
 */
const RATE = numberOf('RATE', 100)
const SECONDS = secondsOf('DURATION', '1m')
const STOCK = numberOf('STOCK', Math.ceil((RATE * SECONDS) / 2))
const RAMP_SECONDS = Math.ceil(SECONDS / 10)

export const options: Options = {
  ...commonOptions,
  scenarios: {
    visits: ramping('visits', [
      { target: 1, duration: '0s' },
      { target: RATE, duration: `${RAMP_SECONDS}s` },
      { target: RATE, duration: `${SECONDS - RAMP_SECONDS}s` },
    ]),
  },
  thresholds: {
    ...everyUnitAccounted(),
    ...nothingUnexpected,
    ...timesOfCalls,
    ...asPromised,
    // At the planned load no queue builds up.
    order_created_lag: [...(asPromised.order_created_lag ?? []), 'p(95)<5000'],
  },
}

export const setup = (): Sale => openSale(STOCK)
export const visits = visit
export const teardown = accountFor
export const handleSummary = summaryOf('load')
