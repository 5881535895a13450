import type { RequestHandler } from 'express'
import type { Buyer } from '../../contracts/limit-per-buyer.ts'
import { ProblemError } from './problem.ts'
import { bearer, type Tokens } from './tokens.ts'

/** What `signedIn` passes on to the handlers behind it. */
interface SignedIn extends Record<string, unknown> {
  buyer: Buyer
}

/** A handler behind `signedIn`, which finds the buyer in `res.locals.buyer`. */
export type BuyersHandler<Params = Record<string, string>> = RequestHandler<Params, unknown, unknown, unknown, SignedIn>

/** Refuses a request without a valid token before its body is read. @throws ProblemError UNAUTHENTICATED */
export function signedIn<Params>(tokens: Tokens): BuyersHandler<Params> {
  return async (req, res, next) => {
    const verified = await tokens.verify(bearer(req.headers.authorization))
    if ('fault' in verified) throw new ProblemError('UNAUTHENTICATED', verified.fault)
    res.locals.buyer = verified.buyer
    // The answer is private and may change at any moment.
    res.set('Cache-Control', 'no-store')
    next()
  }
}
