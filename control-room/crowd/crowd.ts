/** Simulated buyers in a child process of the control room, so that their work does not delay its live figures. */
import { setTimeout as sleep } from 'node:timers/promises'
import { noRequests } from '../../core/contracts/control-room.ts'
import { createTokens } from '../../core/platform/http/tokens.ts'
import { Buyer, type BuyerAnswer, type Send } from './buyer.ts'
import { call } from './http.ts'
import { payAll, type Payer } from './pay.ts'
import { arrivalSeconds, type CrowdPlan, type CrowdReport, groupOf, HABITS, HAMMER_PRESSES } from './plan.ts'

const REPORT_EVERY_MS = 500
const AGAIN_AFTER_MS = 700
/** Arrivals within one tick are sent together. */
const TICK_MS = 5

const report: CrowdReport = { state: 'RUNNING', asked: 0, answers: noRequests(), unanswered: 0, paid: 0 }
const payers: Payer[] = []

process.once('message', (plan: CrowdPlan) => void run(plan))
// The control room has ended, in whichever way.
process.on('disconnect', () => process.exit())

async function run(plan: CrowdPlan): Promise<void> {
  const send = () => process.send?.(report)
  const reporting = setInterval(send, REPORT_EVERY_MS)
  const paying = payAll(
    payers,
    () => report.state !== 'RUNNING',
    () => {
      report.paid += 1
    },
  )
  await press(plan)
  report.state = 'PAYING'
  await paying
  report.state = 'DONE'
  clearInterval(reporting)
  send()
  process.disconnect()
}

async function press(plan: CrowdPlan): Promise<void> {
  const { sign } = createTokens(plan.tokenSecret)
  const send = sender(plan)
  const buyers = Array.from({ length: plan.buyers }, (_, n) => {
    const id = `crowd-${plan.run}-${n}`
    return new Buyer(id, sign(id), send)
  })
  const beganAt = performance.now()
  const visits: Promise<void>[] = []
  while (visits.length < plan.buyers) {
    const elapsed = (performance.now() - beganAt) / 1_000
    for (let n = visits.length; n < plan.buyers && arrivalSeconds(n, plan.buyers, plan.seconds) <= elapsed; n++)
      visits.push(visit(buyers[n] as Buyer<BuyerAnswer>, plan, n))
    await sleep(TICK_MS)
  }
  await Promise.all(visits)
}

/** One buyer, with the habits that their number gives them. */
async function visit(buyer: Buyer<BuyerAnswer>, { saleId, perBuyerLimit }: CrowdPlan, n: number): Promise<void> {
  const hundredth = (n * 37 + 50) % 100
  const reservationId = await pressOnce(buyer, saleId)
  if (hundredth < HABITS.hammers)
    await Promise.all(Array.from({ length: HAMMER_PRESSES }, () => pressOnce(buyer, saleId, reservationId)))
  else if (hundredth < HABITS.hammers + HABITS.repeats) {
    await sleep(AGAIN_AFTER_MS)
    await pressOnce(buyer, saleId, reservationId)
  } else if (reservationId !== undefined && hundredth < HABITS.hammers + HABITS.repeats + HABITS.collects)
    for (let unit = 2; unit <= perBuyerLimit; unit++) await pressOnce(buyer, saleId, undefined, `unit-${unit}`)
  if (reservationId !== undefined && hundredth >= 100 - HABITS.pays) payers.push({ buyer, reservationId })
}

/** @returns the id of the reservation in the answer, which is `known` when the buyer was told it before */
async function pressOnce(
  buyer: Buyer<BuyerAnswer>,
  saleId: string,
  known?: string,
  key?: string,
): Promise<string | undefined> {
  report.asked += 1
  try {
    const { status, body } = await buyer.reserve(saleId, {}, key)
    const told = typeof body.id === 'string' ? body.id : undefined
    report.answers[groupOf(status, told !== undefined && told === known)] += 1
    return told
  } catch {
    report.unanswered += 1
    return undefined
  }
}

/** In a container, localhost in a link to pay would be the container itself: `paymentUrl` replaces the link's origin. */
function sender({ gatewayUrl, paymentUrl }: CrowdPlan): Send<BuyerAnswer> {
  return (buyerCall) => {
    const { step, to } = buyerCall
    if (step !== 'pay') return call(buyerCall, gatewayUrl + to)
    const { pathname, search } = new URL(to)
    return call(buyerCall, paymentUrl === undefined ? to : new URL(pathname + search, paymentUrl).href)
  }
}
