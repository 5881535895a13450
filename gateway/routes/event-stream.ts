import type { Response } from 'express'
import { ProblemError } from '../../core/platform/http/problem.ts'
import type { ClientCounts } from '../client-counts.ts'

/** Sent to the client: pause before it reconnects. */
const RETRY_MS = 2_000
/** Well within the idle limits of proxies and of our own server. */
const HEARTBEAT_MS = 15_000
/** The stream then ends: the client reconnects to a process that has room, and its token is verified again. */
const STREAM_MS_MAX = 15 * 60_000
const RETRY_AFTER_SECONDS = 5

/** Server-sent events to one client. */
export interface EventStream {
  send: (event: string, data: object, id?: string) => void
  end: () => void
}

/**
 * Answers with a stream of events.
 * @param follow begins to send them, and returns what is called when the stream has ended, from either side
 */
export function startEventStream(res: Response, follow: (stream: EventStream) => () => void): void {
  res.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' })
  if (res.req.method === 'HEAD') return void res.end()
  const end = () => {
    res.end()
  }
  const write = (text: string) => {
    if (!res.writableEnded) res.write(text)
  }
  write(`retry: ${RETRY_MS}\n\n`)
  const heartbeat = setInterval(() => write(':\n\n'), HEARTBEAT_MS)
  const limit = setTimeout(end, STREAM_MS_MAX)
  const stop = follow({
    send: (event, data, id) =>
      write(`event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`),
    end,
  })
  res.once('close', () => {
    stop()
    clearInterval(heartbeat)
    clearTimeout(limit)
  })
}

/** @param instead what a client without a stream may do. @throws ProblemError when there is a refusal */
export function refuseIfFull(refusal: ReturnType<ClientCounts['refusal']>, instead: string): void {
  const retry = { retryAfterSeconds: RETRY_AFTER_SECONDS }
  if (refusal === 'FULL') throw new ProblemError('BUSY', `Too many buyers wait here already; ${instead}.`, retry)
  if (refusal === 'TOO_MANY_OF_ADDRESS')
    throw new ProblemError('RATE_LIMITED', `Too many streams are open from this address; ${instead}.`, retry)
  if (refusal) throw new ProblemError('RATE_LIMITED', 'You have too many streams open; close one.', retry)
}
