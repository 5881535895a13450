import type { Options } from 'k6/options'
import { ramping, steady } from './lib/arrivals.ts'
import { attempt } from './lib/attempt.ts'
import { newBuyer } from './lib/buyer.ts'
import { everyUnitAccounted, nothingUnexpected, timesOfCalls } from './lib/counters.ts'
import { numberOf, secondsOf } from './lib/environment.ts'
import { accountFor, openSale, type Sale } from './lib/sale.ts'
import { commonOptions, type Metrics, row, summaryOf } from './lib/summary.ts'
import { visit } from './lib/visit.ts'

/**
 * More buyers than can be served for a while, then ordinary load again. At the peak a buyer may wait or be told BUSY;
 * nothing may get lost, and afterwards latency and refusals must be as before.
 */
const RATE = numberOf('RATE', 4_000)
const PEAK_SECONDS = secondsOf('DURATION', '30s')
const STOCK = numberOf('STOCK', 20_000)
const CALM_RATE = 20
const CALM_SECONDS = 10
/** From the end of the peak until latency must be ordinary again; the orders of STOCK are placed meanwhile. */
const RECOVERY_SECONDS = 10
/** Buyers that may wait for an answer at the same time; k6 drops the others. */
const VUS = numberOf('VUS', 500)

const PEAK_ENDS_SECONDS = CALM_SECONDS + PEAK_SECONDS

/** The crowd has a sale of its own, so that the other one has stock left afterwards. */
interface Sales {
  calm: Sale
  crowded: Sale
}

export const options: Options = {
  ...commonOptions,
  scenarios: {
    before: steady('calm', { rate: CALM_RATE, seconds: CALM_SECONDS }),
    peak: {
      ...ramping(
        'crowd',
        [
          { target: RATE / 10, duration: '0s' },
          { target: RATE, duration: '3s' },
          { target: RATE, duration: `${PEAK_SECONDS - 3}s` },
        ],
        { startSeconds: CALM_SECONDS },
      ),
      preAllocatedVUs: VUS,
      maxVUs: VUS,
      gracefulStop: '15s',
    },
    after: steady('calm', {
      rate: CALM_RATE,
      seconds: CALM_SECONDS,
      startSeconds: PEAK_ENDS_SECONDS + RECOVERY_SECONDS,
    }),
  },
  thresholds: {
    ...everyUnitAccounted(2),
    ...nothingUnexpected,
    ...timesOfCalls,
    'http_req_duration{scenario:before}': ['max>=0'],
    'http_req_duration{scenario:peak}': ['max>=0'],
    'http_req_duration{scenario:after}': ['p(95)<1000'],
    'order_created_lag{scenario:before}': ['max>=0'],
    'order_created_lag{scenario:after}': ['p(95)<10000'],
    'accepted{scenario:after}': [`count>=${0.95 * CALM_RATE * CALM_SECONDS}`],
    'busy{scenario:after}': ['count==0'],
    'limited{scenario:after}': ['count==0'],
  },
}

export function setup(): Sales {
  return { calm: openSale(3 * CALM_RATE * CALM_SECONDS, 'calm'), crowded: openSale(STOCK, 'crowded') }
}

export function calm(sales: Sales): void {
  visit(sales.calm)
}

/** A new buyer who only reserves: polling for the orders would double the load. */
export function crowd({ crowded }: Sales): void {
  attempt(crowded.id, newBuyer(crowded.id))
}

export function teardown({ calm, crowded }: Sales): void {
  accountFor(calm)
  accountFor(crowded)
}

export const handleSummary = summaryOf('stress', { more: phases })

function phases(metrics: Metrics): string[] {
  const stats = ['count', 'med', 'p(95)', 'p(99)', 'max']
  return [
    ['http_req_duration', 'any call'],
    ['order_created_lag', '202 to order'],
  ].flatMap(([metric, name]) =>
    ['before', 'peak', 'after'].flatMap((phase) => {
      const values = metrics[`${metric}{scenario:${phase}}`]?.values
      return values?.count
        ? [
            row(
              `${name}, ${phase}`,
              stats.map((stat) => (values[stat] ?? 0).toFixed(stat === 'count' ? 0 : 1)),
            ),
          ]
        : []
    }),
  )
}
