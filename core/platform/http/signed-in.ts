import type { RequestHandler } from 'express'
import { ProblemError } from './problem.ts'
import { bearer, type Tokens } from './tokens.ts'

/** What `signedIn` leaves for the handlers behind it. */
interface SignedIn extends Record<string, unknown> {
  buyerId: string
}

/** A handler behind `signedIn`: `res.locals.buyerId` is there. */
export type BuyersHandler<Params = Record<string, string>> = RequestHandler<Params, unknown, unknown, unknown, SignedIn>

/** Lets only a signed-in buyer through, before a byte of the body is read. @throws ProblemError UNAUTHENTICATED */
export function signedIn<Params>(tokens: Tokens): BuyersHandler<Params> {
  return (req, res, next) => {
    const verified = tokens.verify(bearer(req.headers.authorization))
    if ('fault' in verified) throw new ProblemError('UNAUTHENTICATED', verified.fault)
    res.locals.buyerId = verified.buyerId
    // What follows is private and changes at any moment.
    res.set('Cache-Control', 'no-store')
    next()
  }
}
