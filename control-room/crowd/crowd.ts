/** The simulated buyers, as a child of the control room: their work must not make its figures stutter. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createTokens } from '../../core/platform/http/tokens.ts'
import { call } from './http.ts'
import { payAll, type Payer } from './pay.ts'
import { arrivalSeconds, type CrowdPlan, type CrowdReport, HABITS, HAMMER_PRESSES } from './plan.ts'
import { groupOf, Tally } from './tally.ts'

const REPORT_EVERY_MS = 500
const AGAIN_AFTER_MS = 700
/** The crowd's clock: arrivals of one tick go out together. */
const TICK_MS = 5

const tally = new Tally()
const payers: Payer[] = []

process.once('message', (plan: CrowdPlan) => void run(plan))
// The control room is gone, however it went.
process.on('disconnect', () => process.exit())

async function run(plan: CrowdPlan): Promise<void> {
  let state: CrowdReport['state'] = 'RUNNING'
  const report = () =>
    process.send?.({
      state,
      asked: tally.asked,
      answers: tally.answers,
      unanswered: tally.unanswered,
      paid: tally.paid,
      ...tally.rates(),
    } satisfies CrowdReport)
  const reporting = setInterval(report, REPORT_EVERY_MS)
  const paying = payAll(
    plan,
    payers,
    () => state !== 'RUNNING',
    () => {
      tally.paid += 1
    },
  )
  await press(plan)
  state = 'PAYING'
  await paying
  state = 'DONE'
  clearInterval(reporting)
  report()
  process.disconnect()
}

async function press(plan: CrowdPlan): Promise<void> {
  const { sign } = createTokens(plan.tokenSecret)
  const tokens = Array.from({ length: plan.buyers }, (_, n) => sign(`crowd-${plan.run}-${n}`))
  const beganAt = performance.now()
  const visits: Promise<void>[] = []
  while (visits.length < plan.buyers) {
    const elapsed = (performance.now() - beganAt) / 1_000
    for (let n = visits.length; n < plan.buyers && arrivalSeconds(n, plan.buyers, plan.seconds) <= elapsed; n++)
      visits.push(visit(plan, n, tokens[n] ?? ''))
    await sleep(TICK_MS)
  }
  await Promise.all(visits)
}

/** One buyer, with the habits that their number gives them. */
async function visit(plan: CrowdPlan, n: number, token: string): Promise<void> {
  const hundredth = (n * 37 + 50) % 100
  const held = await pressOnce(plan, token, undefined)
  if (hundredth < HABITS.hammers)
    await Promise.all(Array.from({ length: HAMMER_PRESSES }, () => pressOnce(plan, token, held)))
  else if (hundredth < HABITS.hammers + HABITS.repeats) {
    await sleep(AGAIN_AFTER_MS)
    await pressOnce(plan, token, held)
  }
  if (held !== undefined && hundredth >= 100 - HABITS.pays) payers.push({ reservationId: held, token })
}

/** @returns the reservation that the buyer was told */
async function pressOnce(
  { gatewayUrl, saleId }: CrowdPlan,
  token: string,
  held: string | undefined,
): Promise<string | undefined> {
  tally.asked += 1
  try {
    const { status, body } = await call('POST', `${gatewayUrl}/sales/${saleId}/reservations`, token)
    const told = typeof body.id === 'string' ? body.id : undefined
    tally.answered(groupOf(status, told !== undefined && told === held))
    return told
  } catch {
    tally.unanswered += 1
    return undefined
  }
}
