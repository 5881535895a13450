import type { RequestHandler } from 'express'
import { type Broker, listDeadLetters, LOOKED_AT_MAX, sendBack } from '../../core/dead-letters/queue.ts'
import { DeadLetterChoice } from '../../core/contracts/http.ts'
import { parse, ProblemError } from '../../core/platform/problem.ts'

const SHOWN_MAX = 100

/** GET /dead-letters: how many there are, and the oldest */
export function getDeadLetters(broker: Broker): RequestHandler {
  return async (_req, res) => { res.json(await orUnavailable(broker, () => listDeadLetters(broker, SHOWN_MAX))) }
}

/** POST /dead-letters/send-back: those of the ids, or the first 10,000, to the queues they come from; for more one calls again */
export function postSendBack(broker: Broker): RequestHandler {
  return async (req, res) => {
    const choice = parse(DeadLetterChoice, req.body)
    const { sent, kept } = await orUnavailable(broker, () => sendBack(broker, { ids: 'ids' in choice ? choice.ids : 'all', most: LOOKED_AT_MAX }))
    res.json({ sent: sent.map(({ id }) => id), kept: kept.map(({ letter, outcome }) => ({ id: letter.id, outcome })) })
  }
}

async function orUnavailable<T>({ log }: Broker, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    log.warn({ err: error }, 'the broker did not answer for its dead letters')
    throw new ProblemError('UNAVAILABLE', 'The broker does not answer; ask again in a moment.', { retryAfterSeconds: 2 })
  }
}
