import type { RequestHandler } from 'express'
import type { Turn, TurnLimits } from '../limits/turns.ts'
import { Turns } from '../limits/turns.ts'
import { hasLeft } from './has-left.ts'
import { ProblemError } from './problem.ts'

/** Spread, so that those who are refused together do not come back together. */
const RETRY_SECONDS = { least: 1, most: 4 }

/**
 * Wraps a handler, so that its requests take turns: one that finds no turn is answered 503 with Retry-After before the
 * handler has done anything, and one whose client has left is dropped. Put it behind what costs only memory, such as
 * the token.
 * @param onShed called for each that the handler does not get
 */
export function takeTurns(limits: TurnLimits, onShed: (turn: Exclude<Turn, 'GIVEN'>) => void) {
  const turns = new Turns(limits)
  return <Params, Answer, Body, Query, Locals extends Record<string, unknown>>(
    handler: RequestHandler<Params, Answer, Body, Query, Locals>,
  ): typeof handler =>
    async (req, res, next) => {
      const turn = await turns.take(() => hasLeft(res))
      if (turn !== 'GIVEN') {
        onShed(turn)
        if (turn !== 'GONE') throw busy()
        return
      }
      // Until the handler has ended, not the answer: a client that leaves does not end what was begun for it.
      try {
        await handler(req, res, next)
      } finally {
        turns.giveBack()
      }
    }
}

const busy = () =>
  new ProblemError('BUSY', 'More requests than can be worked on; nothing was done. Try again in a moment.', {
    retryAfterSeconds: RETRY_SECONDS.least + Math.random() * (RETRY_SECONDS.most - RETRY_SECONDS.least),
  })
