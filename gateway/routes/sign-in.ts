import { createHash } from 'node:crypto'
import type { RequestHandler, Response } from 'express'
import { SessionRequest } from '../../core/contracts/http.ts'
import { parse, ProblemError } from '../../core/platform/problem.ts'
import { bearer, type Tokens } from '../../core/platform/tokens.ts'

/** Demo mode only: anybody is whoever they say; the same name is the same buyer. */
export function demoSignIn(tokens: Tokens): RequestHandler {
  return (req, res) => {
    const { name } = parse(SessionRequest, req.body)
    const userId = `demo-${createHash('sha256').update(name.toLowerCase()).digest('base64url').slice(0, 16)}`
    res.json({ token: tokens.sign(userId), userId })
  }
}

/** Lets signed-in buyers pass. @throws ProblemError UNAUTHENTICATED */
export function signedIn(tokens: Tokens): RequestHandler {
  return (req, res, next) => {
    const token = bearer(req.headers.authorization)
    const buyer = token === undefined ? undefined : tokens.verify(token)
    if (buyer === undefined) throw new ProblemError('UNAUTHENTICATED', 'Send a valid token as "Authorization: Bearer …".')
    res.locals.buyerId = buyer
    next()
  }
}

/** The buyer whom `signedIn` let pass. */
export function buyerId(res: Response): string {
  return String(res.locals.buyerId)
}
