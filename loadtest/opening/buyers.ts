import { sleep } from 'k6'
import type { Buyer } from '../lib/buyer.ts'
import { readSale, requestAtOnce } from '../lib/shop.ts'
import {
  admissionFor,
  admissionsOf,
  buyerOf,
  buyUntilDecided,
  isDecided,
  pause,
  sizes,
  sleepUntil,
  ticketFor,
  turnOf,
} from './steps.ts'
import {
  COME_SECONDS,
  hasPlaces,
  REACTION_SECONDS,
  SCRIPT_MS,
  type SaleOfTrial,
  type SetUp,
  type Trial,
} from './trials.ts'

/** Between two looks at one's place. */
const LOOK_SECONDS = { people: 3, bots: 2 }
const AGAIN_SECONDS = 0.5
/** Requests of the farm at once. */
export const AT_ONCE_MAX = 50

/** Their page takes a place and fetches a ticket; they press the button once they may. */
export async function people(data: SetUp): Promise<void> {
  const { sale, rules, number } = turnOf(data)
  const buyer = buyerOf('people', number, sale.id)
  sleepUntil(sale.opensAtMs - 1_000 * between(COME_SECONDS.latest, COME_SECONDS.earliest))
  readSale(sale.id)
  if (hasPlaces(rules)) admissionsOf(sale, [buyer])
  const ticket = rules.ticket && (await ticketFor('people', sale, buyer))
  if (rules.ticket && !ticket) return
  const admission = hasPlaces(rules) ? admissionFor(sale, buyer, LOOK_SECONDS.people) : undefined
  if (hasPlaces(rules) && !admission) return
  sleepUntil(sale.opensAtMs)
  sleep(between(REACTION_SECONDS.least, REACTION_SECONDS.most))
  buyUntilDecided(sale, buyer, { ticket, admission }, AGAIN_SECONDS)
}

/** One account each, and its purchase again and again, from before the opening on. */
export async function scripts(data: SetUp): Promise<void> {
  const { sale, rules, number } = turnOf(data)
  const buyer = buyerOf('scripts', number, sale.id)
  if (hasPlaces(rules)) admissionsOf(sale, [buyer])
  const ticket = rules.ticket && (await ticketFor('scripts', sale, buyer))
  if (rules.ticket && !ticket) return
  const admission = hasPlaces(rules) ? admissionFor(sale, buyer, LOOK_SECONDS.bots) : undefined
  if (hasPlaces(rules) && !admission) return
  sleepUntil(sale.opensAtMs - SCRIPT_MS.early)
  buyUntilDecided(sale, buyer, { ticket, admission }, SCRIPT_MS.again / 1_000)
}

interface Account {
  buyer: Buyer
  ticket?: string | undefined
}

/** Many new accounts at one address; those that may buy do so at once. */
export async function farm(data: SetUp): Promise<void> {
  const { sale, rules } = turnOf(data)
  let accounts: Account[] = []
  for (let number = 0; number < sizes.farm; number++) {
    const buyer = buyerOf('farm', number, sale.id)
    if (!rules.ticket) accounts.push({ buyer })
    else if (Date.now() < sale.opensAtMs) {
      const ticket = await ticketFor('farm', sale, buyer)
      if (ticket === undefined) continue
      accounts.push({ buyer, ticket })
      if (hasPlaces(rules)) admissionsOf(sale, [buyer])
    }
  }
  if (!hasPlaces(rules)) sleepUntil(sale.opensAtMs)
  while (accounts.length > 0 && Date.now() < sale.endsAtMs) {
    const done = new Set<Account>()
    for (let first = 0; first < accounts.length; first += AT_ONCE_MAX)
      for (const account of buyAtOnce(sale, rules, accounts.slice(first, first + AT_ONCE_MAX))) done.add(account)
    accounts = accounts.filter((account) => !done.has(account))
    pause(sale, hasPlaces(rules) ? LOOK_SECONDS.bots : AGAIN_SECONDS)
  }
}

/** @returns those for whom it is decided */
function buyAtOnce(sale: SaleOfTrial, rules: Trial['opening'], accounts: Account[]): Account[] {
  const buyers = accounts.map(({ buyer }) => buyer)
  const admissions = hasPlaces(rules) ? admissionsOf(sale, buyers) : undefined
  const able = accounts
    .map((account, i) => ({ account, admission: admissions?.[i] }))
    .filter(({ admission }) => !hasPlaces(rules) || admission !== undefined)
  const answers = requestAtOnce(
    sale.id,
    able.map(({ account: { buyer, ticket }, admission }) => [buyer, { ticket, admission }]),
  )
  return able.filter((_, i) => isDecided(sale, answers[i])).map(({ account }) => account)
}

const between = (least: number, most: number) => least + Math.random() * (most - least)
