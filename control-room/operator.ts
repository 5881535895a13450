import type { Request } from 'express'
import { OPERATOR_HEADER } from '../core/contracts/control-room.ts'
import { typed } from '../core/contracts/text.ts'
import { parse, ProblemError } from '../core/platform/http/problem.ts'

const Operator = typed(60)
const UNNAMED = 'admin'

/**
 * Who changes something, as they name themselves: all operators share one token. @throws ProblemError INVALID_REQUEST
 */
export function operatorOf(req: Pick<Request, 'get'>): string {
  const header = req.get(OPERATOR_HEADER)
  return header === undefined || header === '' ? UNNAMED : parse(Operator, decoded(header))
}

function decoded(header: string): string {
  try {
    return decodeURIComponent(header)
  } catch (error) {
    if (!(error instanceof URIError)) throw error
    throw new ProblemError('INVALID_REQUEST', `${OPERATOR_HEADER}: expected a percent-encoded name`)
  }
}
