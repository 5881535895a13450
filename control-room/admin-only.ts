import { createHash, timingSafeEqual } from 'node:crypto'
import type { RequestHandler } from 'express'
import { ProblemError } from '../core/platform/problem.ts'
import { bearer } from '../core/platform/tokens.ts'

/** Lets only the holder of the admin token through. @throws ProblemError UNAUTHENTICATED, or FORBIDDEN for a wrong token */
export function adminOnly(adminToken: string): RequestHandler {
  const expected = digest(adminToken)
  return (req, _res, next) => {
    const token = bearer(req.headers.authorization)
    if (token === undefined) throw new ProblemError('UNAUTHENTICATED', 'Send the admin token as "Authorization: Bearer <token>".')
    if (!timingSafeEqual(digest(token), expected)) throw new ProblemError('FORBIDDEN', 'This is not the admin token of this control room.')
    next()
  }
}

/** Digests have one length, so that the comparison tells nothing about the token's. */
const digest = (text: string) => createHash('sha256').update(text).digest()
