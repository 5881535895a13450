import { sleep } from 'k6'
import exec from 'k6/execution'
import { Counter, Trend } from 'k6/metrics'
import { codeOf, reportAnswer } from '../lib/attempt.ts'
import { type Buyer, tokenOf } from '../lib/buyer.ts'
import { accepted, busy, limited, ordersOwed, soldOut } from '../lib/counters.ts'
import { numberOf } from '../lib/environment.ts'
import { type Answer, type Purchase, requestPlaces, requestReservation } from '../lib/shop.ts'
import { fetchTicket } from '../lib/ticket.ts'
import {
  type Kind,
  type SaleOfTrial,
  type SetUp,
  type Sizes,
  type Trial,
  TRIALS,
  TRIES_PER_SECOND,
  TRY_STANDS_FOR,
} from './trials.ts'

export const sizes: Sizes = {
  stock: numberOf('STOCK', 60),
  people: numberOf('PEOPLE', 120),
  scripts: numberOf('SCRIPTS', 30),
  farm: numberOf('FARM', 300),
}

const DAY_SECONDS = 24 * 3_600

/** Tagged with trial and kind, as everything in its scenario. */
const units = new Counter('units')
const tickets = new Counter('tickets')
/** From the opening to a purchase. */
const boughtAfter = new Trend('bought_after', true)

/** The sale whose turn it is, and who of its kind this one is. */
export function turnOf({ sales }: SetUp): { sale: SaleOfTrial; rules: Trial['opening']; number: number } {
  const name = __ENV.TRIAL as keyof typeof TRIALS
  const sale = sales[name]
  if (!sale) throw new Error(`There is no sale for ${name}.`)
  return { sale, rules: TRIALS[name].opening, number: exec.scenario.iterationInTest }
}

/** The accounts of the farm are of today and have one address; all others are old, and each has its own. */
export function buyerOf(kind: Kind, number: number, saleId: string): Buyer {
  const id = `${saleId}.${kind}.${number}`
  const ageSeconds = kind === 'farm' ? 0 : 400 * DAY_SECONDS
  const network = { people: 1, scripts: 2, farm: 3 }[kind]
  const address = kind === 'farm' ? '10.3.0.1' : `10.${network}.${number >> 8}.${number & 255}`
  return { id, token: tokenOf(id, { registered_at: Math.floor(Date.now() / 1_000) - ageSeconds }), address }
}

export const sleepUntil = (ms: number) => sleep(Math.max(0, ms - Date.now()) / 1_000)
/** Not beyond the end of the sale: k6 cuts it off soon after, and a VU that was cut off stays at its next `await` forever. */
export const pause = (sale: SaleOfTrial, seconds: number) =>
  sleepUntil(Math.min(sale.endsAtMs, Date.now() + seconds * 1_000))

/** A ticket, after as long as the device of that kind would work for it. Undefined when it is refused. */
export async function ticketFor(kind: Kind, sale: SaleOfTrial, buyer: Buyer): Promise<string | undefined> {
  const onSolved = (tries: number) => sleep((tries * TRY_STANDS_FOR) / TRIES_PER_SECOND[kind])
  const ticket = await fetchTicket(sale.id, buyer, { onSolved })
  if (ticket !== undefined) tickets.add(1)
  return ticket
}

/** Waits in the room. Undefined when the buyer is not admitted to the end. */
export function admissionFor(sale: SaleOfTrial, buyer: Buyer, lookSeconds: number): string | undefined {
  while (Date.now() < sale.endsAtMs) {
    const [admission] = admissionsOf(sale, [buyer])
    if (admission !== undefined) return admission
    pause(sale, lookSeconds)
  }
  return undefined
}

/** Looks at the places of those buyers; who has none takes one. */
export function admissionsOf(sale: SaleOfTrial, buyers: Buyer[]): (string | undefined)[] {
  return requestPlaces(sale.id, buyers).map((answer) => {
    if (answer.status === 200) return (answer.json('admission') as string | undefined) ?? undefined
    // Too late for a draw, or too often.
    if (answer.status === 403 && codeOf(answer) === 'REGISTRATION_CLOSED') return undefined
    if (answer.status === 429) limited.add(1)
    else reportAnswer(answer)
    return undefined
  })
}

export function buyUntilDecided(sale: SaleOfTrial, buyer: Buyer, purchase: Purchase, againSeconds: number): void {
  while (Date.now() < sale.endsAtMs && !isDecided(sale, requestReservation(sale.id, buyer, purchase)))
    pause(sale, againSeconds)
}

/** Counts the answer to a purchase. @returns whether it is no use to ask again */
export function isDecided(sale: SaleOfTrial, answer: Answer | undefined): boolean {
  if (answer === undefined) return true
  if (answer.status === 202) {
    for (const counter of [accepted, ordersOwed, units]) counter.add(1)
    boughtAfter.add(Date.now() - sale.opensAtMs)
    return true
  }
  switch (codeOf(answer)) {
    case 'SOLD_OUT':
      soldOut.add(1)
      return true
    case 'ADMISSION_EXPIRED':
      return true
    case 'NOT_STARTED':
      return false
    case 'RATE_LIMITED':
      limited.add(1)
      return false
    case 'BUSY':
      busy.add(1)
      return false
    default:
      reportAnswer(answer)
      return true
  }
}
