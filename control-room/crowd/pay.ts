import { setTimeout as sleep } from 'node:timers/promises'
import { comeBackMs } from '../../core/contracts/come-back.ts'
import type { Buyer, BuyerAnswer } from './buyer.ts'

/** Concurrent payments. More would take CPU from the purchases, which the crowd is to show. */
const AT_ONCE = 4
const LOOK_EVERY_MS = 250
/** How long a payer waits for the order, which is placed behind the orders of all others. */
const ORDER_LIMIT_MS = 120_000
/** With one pause between two of them: some seconds when the provider is down, minutes when it is slow. */
const PAY_TRIES = 5

export interface Payer {
  buyer: Buyer<BuyerAnswer>
  reservationId: string
}

/** Pays for one reservation after another. Ends when `isComplete` and the queue of payers is empty. */
export async function payAll(payers: Payer[], isComplete: () => boolean, onPaid: () => void): Promise<void> {
  const takeTurns = async () => {
    while (!isComplete() || payers.length > 0) {
      const payer = payers.shift()
      if (!payer) await sleep(LOOK_EVERY_MS)
      // Without an answer the buyer gives up, and the order lapses.
      else if (await pay(payer).catch(() => false)) onPaid()
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, takeTurns))
}

async function pay({ buyer, reservationId }: Payer): Promise<boolean> {
  const orderId = await orderOf(buyer, reservationId)
  if (orderId === undefined) return false
  const { body } = await askUntilAnswered(() => buyer.openPayment(orderId))
  return typeof body.url === 'string' && (await payUntilKnown(buyer, orderId, body.url))
}

/** A call that was cut off may have paid, so the order itself is asked. Payments are idempotent. @returns whether it is paid */
async function payUntilKnown(buyer: Buyer<BuyerAnswer>, orderId: string, url: string): Promise<boolean> {
  for (let tries = 0; tries < PAY_TRIES; tries++) {
    if (tries > 0) await sleep(comeBackMs(tries))
    const paid = await buyer.pay(url).catch(noAnswer)
    if (paid?.body.outcome === 'PAID') return true
    const order = await buyer.readOrder(orderId).catch(noAnswer)
    if (order?.status === 200 && order.body.status !== 'PENDING_PAYMENT') return order.body.status === 'PAID'
  }
  return false
}

/** Comes back as long as the shop asks for it. */
async function askUntilAnswered(ask: () => Promise<BuyerAnswer>): Promise<BuyerAnswer> {
  let answer = await ask()
  for (let tries = 1; answer.status === 503 && tries < PAY_TRIES; tries++) {
    await sleep(comeBackMs(tries, Number(answer.body.retryAfterSeconds ?? 0) * 1_000))
    answer = await ask()
  }
  return answer
}

const noAnswer = () => undefined

/** Undefined when the reservation was rejected, or is not decided in time. */
async function orderOf(buyer: Buyer<BuyerAnswer>, reservationId: string): Promise<string | undefined> {
  for (const until = Date.now() + ORDER_LIMIT_MS; Date.now() < until; await sleep(LOOK_EVERY_MS)) {
    const {
      body: { status, orderId },
    } = await buyer.readReservation(reservationId)
    if (status === 'ORDERED' && typeof orderId === 'string') return orderId
    if (status !== 'RESERVED') return undefined
  }
  return undefined
}
