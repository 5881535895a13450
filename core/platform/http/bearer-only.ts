import { createHash, timingSafeEqual } from 'node:crypto'
import type { RequestHandler } from 'express'
import { ProblemError } from './problem.ts'
import { bearer } from './tokens.ts'

/**
 * Middleware that admits only requests with this bearer token.
 * @param name of the token, for the error message
 * @throws ProblemError UNAUTHENTICATED, or FORBIDDEN for a wrong token
 */
export function bearerOnly(expectedToken: string, name: string): RequestHandler {
  const expected = digest(expectedToken)
  return (req, _res, next) => {
    const token = bearer(req.headers.authorization)
    if (token === undefined)
      throw new ProblemError('UNAUTHENTICATED', `Send the ${name} token as "Authorization: Bearer <token>".`)
    if (!timingSafeEqual(digest(token), expected)) throw new ProblemError('FORBIDDEN', `This is not the ${name} token.`)
    next()
  }
}

/** Digests have equal length, so the comparison reveals nothing about the length of the token. */
const digest = (text: string) => createHash('sha256').update(text).digest()
