import type { IncomingMessage } from 'node:http'
import { TicketRequest, type TicketView } from '../../core/contracts/opening.ts'
import type { ProblemCode } from '../../core/contracts/problems.ts'
import { addressForLimit } from '../../core/platform/http/client-address.ts'
import { type Extras, parse, ProblemError } from '../../core/platform/http/problem.ts'
import type { BuyersHandler } from '../../core/platform/http/signed-in.ts'
import {
  challengeBuyer,
  type ChallengeOutcome,
  giveTicket,
  type TicketAsked,
  type TicketDeps,
  type TicketOutcome,
} from '../opening/give-tickets.ts'
import { purchaseKey } from '../read-request.ts'

/** GET /sales/:saleId/challenge */
export function getChallenge(deps: TicketDeps): BuyersHandler<{ saleId: string }> {
  return async (req, res) => {
    const outcome = await challengeBuyer(deps, askedBy(req, res.locals.buyer))
    deps.count(outcome.status)
    if (outcome.status !== 'CHALLENGE') throw problemOf(outcome)
    res.json(outcome.challenge)
  }
}

/** POST /sales/:saleId/tickets */
export function postTicket(deps: TicketDeps): BuyersHandler<{ saleId: string }> {
  return async (req, res) => {
    const { proof } = parse(TicketRequest, req.body)
    const outcome = await giveTicket(deps, askedBy(req, res.locals.buyer), proof)
    deps.count(outcome.status)
    if (outcome.status !== 'GIVEN') throw problemOf(outcome)
    const view: TicketView = { ticket: outcome.ticket, expiresAt: new Date(outcome.expiresAtMs).toISOString() }
    res.status(201).json(view)
  }
}

type OfSale = IncomingMessage & { params: { saleId: string }; ip?: string | undefined }

const askedBy = (req: OfSale, buyer: TicketAsked['buyer']): TicketAsked => ({
  saleId: req.params.saleId,
  buyer,
  key: purchaseKey(req),
  address: addressForLimit(req.ip ?? ''),
})

/** Maps refusals of tickets to HTTP answers; the only place that does. */
function problemOf(
  outcome: Exclude<TicketOutcome | ChallengeOutcome, { status: 'GIVEN' | 'CHALLENGE' }>,
): ProblemError {
  const problem = (code: ProblemCode, detail: string, extras?: Extras) => new ProblemError(code, detail, extras)
  switch (outcome.status) {
    case 'NO_SUCH_SALE':
      return problem('NOT_FOUND', 'There is no such sale.')
    case 'NO_TICKETS':
      return problem('NOT_FOUND', 'This sale needs no ticket; buy without one.')
    case 'NO_PROOF':
      return problem('NOT_FOUND', 'Tickets of this sale need no proof of work; ask for one without.')
    case 'ENDED':
      return problem('ENDED', 'The sale is over.')
    case 'NOT_ELIGIBLE':
      return problem('NOT_ELIGIBLE', 'This account cannot take part; ask the shop why.')
    case 'TICKET_REFUSED':
      return problem(
        'TICKET_REFUSED',
        'No ticket for this account from this connection; try your own network, or ask the shop.',
      )
    case 'TICKETS_NOT_YET':
      return problem('TICKETS_NOT_YET', `Tickets are given from ${new Date(outcome.fromMs).toISOString()} on.`, {
        serverTime: new Date(outcome.nowMs).toISOString(),
        retryAfterSeconds: (outcome.fromMs - outcome.nowMs) / 1_000,
      })
    case 'PROOF_REQUIRED':
      return problem('PROOF_REQUIRED', 'Solve GET /sales/:saleId/challenge (ALTCHA), and send the solution as "proof".')
    case 'PROOF_INVALID':
      return problem('PROOF_INVALID', 'The proof is wrong, expired or for another purchase; solve a new challenge.')
  }
}
