import type { Buyer } from '../../core/contracts/limit-per-buyer.ts'
import type { Challenge, Opening } from '../../core/contracts/opening.ts'
import type { SaleFigures } from '../../core/stock/sale-figures.ts'
import type { TicketFacts } from '../../core/stock/ticket-facts.ts'
import type { Catalogue } from '../catalogue.ts'
import type { ProofOfWork } from './proof-of-work.ts'
import { riskOf, workFactor } from './risk.ts'
import type { Tickets } from './tickets.ts'

export interface TicketDeps {
  catalogue: Pick<Catalogue, 'find' | 'clockMs'>
  tickets: Tickets
  proofOfWork: ProofOfWork
  readFacts: (sale: SaleFigures, buyerId: string, address: string) => Promise<TicketFacts>
  count: (outcome: TicketOutcome['status'] | ChallengeOutcome['status']) => void
}

export interface TicketAsked {
  saleId: string
  buyer: Buyer
  /** Of the purchase that the ticket is for. */
  key: string | undefined
  address: string
}

type Refused =
  | { status: 'NO_SUCH_SALE' | 'NO_TICKETS' | 'ENDED' | 'NOT_ELIGIBLE' | 'TICKET_REFUSED' }
  | { status: 'NO_PROOF' | 'PROOF_REQUIRED' | 'PROOF_INVALID' }
  | { status: 'TICKETS_NOT_YET'; nowMs: number; fromMs: number }

export type TicketOutcome = Refused | { status: 'GIVEN'; ticket: string; expiresAtMs: number }
export type ChallengeOutcome = Refused | { status: 'CHALLENGE'; challenge: Challenge }

const MINUTE_MS = 60_000

/** The work for a ticket, more of it for a buyer of higher risk. */
export async function challengeBuyer(deps: TicketDeps, asked: TicketAsked): Promise<ChallengeOutcome> {
  const admitted = await judge(deps, asked)
  if (admitted.status !== 'ADMITTED') return admitted
  const { opening, score, nowMs } = admitted
  if (!opening.proofOfWork) return { status: 'NO_PROOF' }
  const tries = opening.proofOfWork.tries * workFactor(score)
  return { status: 'CHALLENGE', challenge: await deps.proofOfWork.challenge(subject(asked), tries, nowMs) }
}

/**
 * A ticket for one purchase. With proof of work it carries the time of its challenge, so that one solution is one
 * ticket.
 */
export async function giveTicket(
  deps: TicketDeps,
  asked: TicketAsked,
  proof: string | undefined,
): Promise<TicketOutcome> {
  const admitted = await judge(deps, asked)
  if (admitted.status !== 'ADMITTED') return admitted
  const { sale, opening, ticket, nowMs } = admitted
  let givenAtMs = nowMs
  if (opening.proofOfWork) {
    if (proof === undefined) return { status: 'PROOF_REQUIRED' }
    const solved = await deps.proofOfWork.check(proof, subject(asked), nowMs)
    if (solved === 'PROOF_INVALID') return { status: solved }
    givenAtMs = solved.givenAtMs
  }
  // Not from the challenge on: a slow device would solve it for a ticket that has expired.
  const expiresAtMs = Math.max(nowMs, sale.opensAtMs) + ticket.validMinutes * MINUTE_MS
  return { status: 'GIVEN', ticket: deps.tickets.give(subject(asked), givenAtMs, expiresAtMs), expiresAtMs }
}

const subject = ({ saleId, buyer, key }: TicketAsked) => ({ saleId, buyerId: buyer.id, key })

interface Admitted {
  status: 'ADMITTED'
  sale: SaleFigures
  opening: Opening
  ticket: NonNullable<Opening['ticket']>
  score: number
  nowMs: number
}

/** Whether tickets are given now, and to this buyer. */
async function judge(deps: TicketDeps, { saleId, buyer, address }: TicketAsked): Promise<Admitted | Refused> {
  const sale = await deps.catalogue.find(saleId)
  if (!sale) return { status: 'NO_SUCH_SALE' }
  const { opening, opensAtMs, closesAtMs } = sale
  if (!opening?.ticket) return { status: 'NO_TICKETS' }
  const nowMs = deps.catalogue.clockMs()
  const fromMs = opensAtMs - opening.ticket.fromMinutesBefore * MINUTE_MS
  if (nowMs < fromMs) return { status: 'TICKETS_NOT_YET', nowMs, fromMs }
  if (nowMs >= closesAtMs) return { status: 'ENDED' }
  if (buyer.isBlocked) return { status: 'NOT_ELIGIBLE' }
  const facts = await deps.readFacts(sale, buyer.id, address)
  if (facts.isBlacklisted) return { status: 'NOT_ELIGIBLE' }
  const accountAgeMs = buyer.registeredAtMs === undefined ? undefined : nowMs - buyer.registeredAtMs
  const { score } = riskOf({ ...facts, accountAgeMs })
  if (score >= opening.ticket.refuseFrom) return { status: 'TICKET_REFUSED' }
  return { status: 'ADMITTED', sale, opening, ticket: opening.ticket, score, nowMs }
}
