import { sleep } from 'k6'
import type { Options } from 'k6/options'
import { ramping, steady } from './lib/arrivals.ts'
import { askAgain, attempt, buyUpToLimit, isSame, judge, report, reportAnswer } from './lib/attempt.ts'
import { newBuyer } from './lib/buyer.ts'
import { accepted, everyUnitAccounted, nothingUnexpected, ordersOwed, timesOfCalls } from './lib/counters.ts'
import { numberOf, secondsOf } from './lib/environment.ts'
import { awaitOrder, LAPSE_LIMIT_SECONDS, letLapse, ORDER_LIMIT_SECONDS, pay } from './lib/follow.ts'
import { accountFor, openSale, type Sale } from './lib/sale.ts'
import { readReservation, requestReservations } from './lib/shop.ts'
import { commonOptions, summaryOf } from './lib/summary.ts'
import { browse, buyNew } from './lib/visit.ts'

/**
 * The sale opens: a few buyers are early, then ten times as many as there are units come at once; some misbehave.
 */
const RATE = numberOf('RATE', 300)
const SECONDS = secondsOf('DURATION', '30s')
const STOCK = numberOf('STOCK', 500)
/** Early buyers come alone, so that each of them gets a unit. */
const EARLY_SECONDS = 3
const LAPSE_BUSY_SECONDS = LAPSE_LIMIT_SECONDS + ORDER_LIMIT_SECONDS
/** Many times what one buyer may send at once (BUYER_BURST, 10 by default), also when the answers are slow. */
const BOT_REQUESTS = 60
const POLLS = 10

export const options: Options = {
  ...commonOptions,
  scenarios: {
    browsers: steady('browsers', { rate: RATE / 10, seconds: SECONDS }),
    payers: steady('payers', { rate: 3, seconds: EARLY_SECONDS }),
    lapsers: steady('lapsers', {
      rate: 3,
      seconds: EARLY_SECONDS,
      busySeconds: LAPSE_BUSY_SECONDS,
      finishSeconds: LAPSE_BUSY_SECONDS,
    }),
    pollers: steady('pollers', { rate: 2, seconds: SECONDS, busySeconds: 5 }),
    bots: steady('bots', { rate: 1, seconds: SECONDS, busySeconds: 5 }),
    collectors: steady('collectors', { rate: RATE / 20, seconds: SECONDS }),
    repeaters: steady('repeaters', { rate: RATE / 20, seconds: SECONDS, busySeconds: 2 }),
    crowd: ramping(
      'crowd',
      [
        { target: RATE / 10, duration: '2s' },
        { target: RATE, duration: '1s' },
        { target: RATE, duration: `${Math.max(1, SECONDS - EARLY_SECONDS - 5)}s` },
        { target: RATE / 10, duration: '2s' },
      ],
      { startSeconds: EARLY_SECONDS },
    ),
  },
  // A bot sends many requests at once; k6's default is six.
  batchPerHost: BOT_REQUESTS,
  thresholds: {
    ...everyUnitAccounted(),
    ...nothingUnexpected,
    ...timesOfCalls,
    duplicate: ['count>0'],
    limit_reached: ['count>0'],
    limited: ['count>0'],
    paid: ['count>0'],
    lapsed: ['count>0'],
  },
}

export const setup = (): Sale => openSale(STOCK)
export const browsers = browse
export const teardown = accountFor
export const handleSummary = summaryOf('spike')

/** Those who get a unit wait for their order; none of them pays. */
export function crowd(sale: Sale): void {
  buyNew(sale)
}

export function payers(sale: Sale): void {
  const bought = buyNew(sale)
  if (bought) pay(bought.orderId, bought.buyer)
}

export function lapsers(sale: Sale): void {
  const bought = buyNew(sale)
  if (bought) letLapse(bought.orderId, bought.buyer)
}

/** Buys up to the limit, one unit after another; wants one more; pays for none. */
export function collectors(sale: Sale): void {
  const buyer = newBuyer(sale.id)
  if (attempt(sale.id, buyer).outcome === 'ACCEPTED') buyUpToLimit(sale.id, buyer)
}

/** Repeats the request at once, and after the order was placed: the reservation stays the same. */
export function repeaters(sale: Sale): void {
  const buyer = newBuyer(sale.id)
  const attempted = attempt(sale.id, buyer)
  if (attempted.outcome !== 'ACCEPTED') return
  askAgain(sale.id, buyer, attempted.reservationId)
  awaitOrder(attempted, buyer)
  for (let repeat = 0; repeat < 3; repeat++) {
    sleep(0.3)
    askAgain(sale.id, buyer, attempted.reservationId)
  }
}

/** Sends more than one buyer may: gets one reservation at most; the rest is RATE_LIMITED or SOLD_OUT. */
export function bots(sale: Sale): void {
  const buyer = newBuyer(sale.id)
  const attempts = requestReservations(sale.id, buyer, BOT_REQUESTS).map(judge)
  const [first, ...others] = attempts.filter((attempted) => attempted.outcome === 'ACCEPTED')
  if (attempts.every(({ outcome }) => outcome === 'ACCEPTED'))
    report(`a bot sent ${BOT_REQUESTS} requests at once, and none was refused`)
  if (!first) return
  accepted.add(1)
  ordersOwed.add(1)
  for (const { reservationId } of others) isSame(reservationId, first.reservationId)
  awaitOrder(first, buyer)
}

/** Polls the reservation too often; its status may only advance. */
export function pollers(sale: Sale): void {
  const bought = buyNew(sale)
  let furthest = 0
  for (let poll = 0; bought && poll < POLLS; poll++) {
    sleep(0.3)
    const answer = readReservation(bought.reservationId, bought.buyer)
    if (answer.status !== 200) return reportAnswer(answer)
    const step = ['RESERVED', 'ORDERED', 'CANCELLED'].indexOf(String(answer.json('status')))
    if (step < furthest) return reportAnswer(answer)
    furthest = step
  }
}
