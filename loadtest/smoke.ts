import { check, fail } from 'k6'
import http from 'k6/http'
import type { Options } from 'k6/options'
import { steady } from './lib/arrivals.ts'
import { askAgain, attempt, buyUpToLimit, codeOf } from './lib/attempt.ts'
import { type Buyer, newBuyer, tokenOf } from './lib/buyer.ts'
import { admitBuyer, barBuyer } from './lib/control-room.ts'
import { everyUnitAccounted, nothingUnexpected, timesOfCalls } from './lib/counters.ts'
import { numberOf, secondsOf } from './lib/environment.ts'
import { awaitOrder, pay } from './lib/follow.ts'
import { accountFor, openSale, type Sale } from './lib/sale.ts'
import { type Purchase, requestReservation, signIn } from './lib/shop.ts'
import { commonOptions, summaryOf } from './lib/summary.ts'
import { fetchTicket } from './lib/ticket.ts'
import { visit } from './lib/visit.ts'

/** Does everything work at all? One buyer takes each path once, then a small crowd buys the stock. */
const RATE = numberOf('RATE', 40)
const SECONDS = secondsOf('DURATION', '5s')
const STOCK = numberOf('STOCK', 50)

export const options: Options = {
  ...commonOptions,
  scenarios: {
    tour: { executor: 'per-vu-iterations', exec: 'tour', vus: 1, iterations: 1, maxDuration: '1m' },
    crowd: steady('crowd', { rate: RATE, seconds: SECONDS, startSeconds: 1 }),
  },
  thresholds: {
    ...everyUnitAccounted(),
    ...nothingUnexpected,
    ...timesOfCalls,
    limit_reached: ['count>0'],
    // More buyers than units: every unit is sold, more than once when an order lapses meanwhile.
    accepted: [`count>=${Math.min(STOCK, RATE * SECONDS)}`],
  },
}

/** From one address, whose many accounts are no risk here. */
const opening = { ticket: { fromMinutesBefore: 1, refuseFrom: 100 }, proofOfWork: { tries: 20 } }

export const setup = (): Sale => openSale(STOCK)
export const crowd = visit
export const teardown = accountFor
export const handleSummary = summaryOf('smoke')

export async function tour(sale: Sale): Promise<void> {
  isSoldTo(signedIn('k6 smoke'), sale)
  isRefused({ id: 'forged', token: 'not.a.token' }, sale.id, '401 UNAUTHENTICATED')
  isRefused(newBuyer(sale.id), 'no-such-sale', '404 NOT_FOUND')

  const barred = newBuyer(`${sale.id}.barred`)
  barBuyer(barred.id)
  isRefused(barred, sale.id, '403 NOT_ELIGIBLE')
  admitBuyer(barred.id)
  await isSoldWithTicket(openSale(1, 'ticket', opening).id, newBuyer(`${sale.id}.ticket`))
}

async function isSoldWithTicket(saleId: string, buyer: Buyer): Promise<void> {
  isRefused(buyer, saleId, '403 TICKET_REQUIRED')
  const ticket = await fetchTicket(saleId, buyer)
  const answer = requestReservation(saleId, buyer, { ticket })
  check(answer, { 'a buyer with a ticket gets a unit': ({ status }) => status === 202 })
}

/** The demo's sign-in, once; all other buyers sign their own tokens. */
function signedIn(name: string): Buyer {
  const answer = signIn(name)
  if (!check(answer, { 'POST /sessions signs in': ({ status }) => status === 200 }))
    fail(`No session: ${answer.status} ${answer.body}`)
  return { id: String(answer.json('userId')), token: String(answer.json('token')) }
}

function isSoldTo(buyer: Buyer, sale: Sale): void {
  const attempted = attempt(sale.id, buyer)
  if (
    !check(attempted, { 'the first buyer gets a unit': ({ outcome }) => outcome === 'ACCEPTED' }) ||
    attempted.outcome !== 'ACCEPTED'
  )
    return
  // With a token signed here instead: it must name the same buyer.
  askAgain(sale.id, { id: buyer.id, token: tokenOf(buyer.id) }, attempted.reservationId)
  isRefused(buyer, sale.id, '422 KEY_REUSED', { quantity: 2 })
  buyUpToLimit(sale.id, buyer)
  const orderId = awaitOrder(attempted, buyer)
  if (orderId) pay(orderId, buyer)
}

function isRefused(buyer: Buyer, saleId: string, expected: string, purchase: Purchase = {}): void {
  const answer = requestReservation(saleId, buyer, purchase, http.expectedStatuses(Number.parseInt(expected, 10)))
  check(answer, { [`refused with ${expected}`]: () => `${answer.status} ${codeOf(answer)}` === expected })
}
