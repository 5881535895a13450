import type { RequestHandler } from 'express'
import { ProblemError } from '../../core/platform/http/problem.ts'
import type { Broadcast } from '../live/broadcast.ts'

/** GET /live: a stream of events, `history` once and then a `frame` a second. */
export function getLive(broadcast: Broadcast): RequestHandler {
  return (req, res) => {
    if (req.method === 'HEAD') return void res.type('text/event-stream').end()
    if (broadcast.isFull())
      throw new ProblemError('BUSY', 'Too many watch already; close another page.', { retryAfterSeconds: 5 })
    broadcast.watch(res)
  }
}
