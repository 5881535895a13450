import { sleep } from 'k6'
import { comeBackMs } from '../../core/contracts/come-back.ts'
import { codeOf, reportAnswer } from './attempt.ts'
import type { Buyer } from './buyer.ts'
import { lapsed, lostOrders, orderCreatedLag, paid } from './counters.ts'
import { PAYMENT_WINDOW_SECONDS } from './environment.ts'
import { endOf } from './money.ts'
import { type Answer, openPayment, payAt, readOrder, readReservation } from './shop.ts'

/** Longer than any backlog of these scenarios; a reservation's own lifetime is twice as long. */
export const ORDER_LIMIT_SECONDS = 60
/** What the cancel worker's sweeper may need when the timeout message got lost. */
const LAPSE_SLACK_SECONDS = 30
export const LAPSE_LIMIT_SECONDS = PAYMENT_WINDOW_SECONDS + LAPSE_SLACK_SECONDS
/** Retries of a buyer who is told to come back. */
const ASKED_MAX = 10

interface Reservation {
  reservationId: string
  acceptedAtMs: number
}

/**
 * Polls the reservation as a buyer's page does, with back-off up to a second. An accepted buyer without an order counts
 * as lost. @returns the order's id
 */
export function awaitOrder({ reservationId, acceptedAtMs }: Reservation, buyer: Buyer): string | undefined {
  let status = 'RESERVED'
  for (
    let pause = 0.05;
    status === 'RESERVED' && Date.now() - acceptedAtMs < ORDER_LIMIT_SECONDS * 1_000;
    pause = Math.min(1, pause * 1.5)
  ) {
    sleep(pause)
    const answer = readReservation(reservationId, buyer)
    if (answer.status !== 200) {
      reportAnswer(answer)
      return undefined
    }
    status = String(answer.json('status'))
    // Also when it is paid or cancelled by now: there was an order.
    const orderId = answer.json('orderId')
    if (orderId) {
      orderCreatedLag.add(Date.now() - acceptedAtMs)
      return String(orderId)
    }
  }
  console.error(
    `Lost: ${reservationId} was accepted and is ${status} after ${Math.round((Date.now() - acceptedAtMs) / 1_000)} s`,
  )
  lostOrders.add(1)
  return undefined
}

/**
 * Opens a payment, pays at the provider, and checks that the order is paid; or cancelled, when the system was slower than
 * the payment window.
 */
export function pay(orderId: string, buyer: Buyer): void {
  const payment = retryWhileUnavailable(() => openPayment(orderId, buyer))
  if (payment.status === 409 && codeOf(payment) === 'NOT_PAYABLE') return expectEnd('CANCELLED', orderId, buyer)
  // 200: an earlier call opened it, and its answer came too late.
  if (payment.status !== 201 && payment.status !== 200) return reportAnswer(payment)
  const money = retryWhileUnavailable(() => payAt(String(payment.json('url'))))
  const end = money.status === 200 ? endOf(money.json('outcome')) : undefined
  if (!end) return reportAnswer(money)
  expectEnd(end, orderId, buyer)
}

/** Retries a 503, after its Retry-After or later. Payments are idempotent. */
function retryWhileUnavailable(ask: () => Answer): Answer {
  let answer = ask()
  for (let times = 1; answer.status === 503 && times < ASKED_MAX; times++) {
    sleep(comeBackMs(times, Number(answer.headers['Retry-After'] ?? 1) * 1_000) / 1_000)
    answer = ask()
  }
  return answer
}

const readOrderAtLast = (orderId: string, buyer: Buyer) => retryWhileUnavailable(() => readOrder(orderId, buyer))

function expectEnd(end: 'PAID' | 'CANCELLED', orderId: string, buyer: Buyer): void {
  const order = readOrderAtLast(orderId, buyer)
  if (order.status !== 200 || order.json('status') !== end) return reportAnswer(order)
  if (end === 'PAID') paid.add(1)
  else lapsed.add(1)
}

/** Does not pay, and checks that the order is cancelled after the payment window. */
export function letLapse(orderId: string, buyer: Buyer): void {
  sleep(PAYMENT_WINDOW_SECONDS)
  for (let waited = 0; waited < LAPSE_SLACK_SECONDS; waited++) {
    const order = readOrderAtLast(orderId, buyer)
    if (order.status !== 200) return reportAnswer(order)
    if (order.json('status') === 'CANCELLED') return lapsed.add(1)
    sleep(1)
  }
  reportAnswer(readOrderAtLast(orderId, buyer))
}
