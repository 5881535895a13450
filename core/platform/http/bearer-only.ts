import { createHash, timingSafeEqual } from 'node:crypto'
import type { RequestHandler } from 'express'
import { ProblemError } from './problem.ts'
import { bearer } from './tokens.ts'

/**
 * Lets only the holder of that token through.
 * @param name of the token, as whoever lacks it is told
 * @throws ProblemError UNAUTHENTICATED, or FORBIDDEN for a wrong token
 */
export function bearerOnly(token: string, name: string): RequestHandler {
  const expected = digest(token)
  return (req, _res, next) => {
    const given = bearer(req.headers.authorization)
    if (given === undefined)
      throw new ProblemError('UNAUTHENTICATED', `Send the ${name} token as "Authorization: Bearer <token>".`)
    if (!timingSafeEqual(digest(given), expected)) throw new ProblemError('FORBIDDEN', `This is not the ${name} token.`)
    next()
  }
}

/** Digests have one length, so that the comparison tells nothing about the token's. */
const digest = (text: string) => createHash('sha256').update(text).digest()
