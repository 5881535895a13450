import { createHash } from 'node:crypto'
import type { RequestHandler } from 'express'
import { SessionRequest } from '../../core/contracts/session.ts'
import { parse } from '../../core/platform/http/problem.ts'
import type { Tokens } from '../../core/platform/http/tokens.ts'

/**
 * Demo mode only: a name is enough. The same name is the same buyer, in any case and Unicode normal form.
 */
export function demoSignIn(tokens: Tokens): RequestHandler {
  return (req, res) => {
    const { name, tier } = parse(SessionRequest, req.body)
    const userId = `demo-${createHash('sha256').update(name.toLowerCase().normalize('NFC')).digest('base64url').slice(0, 16)}`
    res.json({ token: tokens.sign(userId, { tier }), userId })
  }
}
