import type { RequestHandler } from 'express'
import { z } from 'zod'
import { type Broker, letterPlace, listDeadLetters, LETTERS_READ_MAX, sendBack } from '../../core/dead-letters/queue.ts'
import type { DeadLetterPage, SentBack } from '../../core/contracts/control-room.ts'
import { DeadLetterChoice } from '../../core/contracts/operations.ts'
import { PAGE_LIMIT, PageRequest } from '../../core/contracts/paging.ts'
import { pageOf, readCursor } from '../../core/platform/http/cursor.ts'
import { parse, ProblemError } from '../../core/platform/http/problem.ts'

const Place = z.tuple([z.string(), z.string()])

/** GET /dead-letters, GET /dead-letters?limit=20&cursor=…: how many there are, and the oldest */
export function getDeadLetters(broker: Broker): RequestHandler {
  return async (req, res) => {
    const { limit = PAGE_LIMIT, cursor } = parse(PageRequest, req.query)
    const after = readCursor(Place, cursor)
    const { count, letters } = await orUnavailable(broker, () => listDeadLetters(broker, limit + 1, after))
    const { rows, next } = pageOf(letters, limit, letterPlace)
    res.json({ count, letters: rows, ...(next !== undefined && { next }) } satisfies DeadLetterPage)
  }
}

/**
 * POST /dead-letters/send-back: those of the ids, or the first 10,000, to the queues they come from; for more one calls
 * again
 */
export function postSendBack(broker: Broker): RequestHandler {
  return async (req, res) => {
    const choice = parse(DeadLetterChoice, req.body)
    const { sent, kept } = await orUnavailable(broker, () =>
      sendBack(broker, { ids: 'ids' in choice ? choice.ids : 'all', most: LETTERS_READ_MAX }),
    )
    res.json({
      sent: sent.map(({ id }) => id),
      kept: kept.map(({ letter, outcome }) => ({ id: letter.id, outcome })),
    } satisfies SentBack)
  }
}

async function orUnavailable<T>({ log }: Broker, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    log.warn({ err: error }, 'the broker did not answer for its dead letters')
    throw new ProblemError('UNAVAILABLE', 'The broker does not answer; ask again in a moment.', {
      retryAfterSeconds: 2,
    })
  }
}
