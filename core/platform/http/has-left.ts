import type { IncomingMessage, ServerResponse } from 'node:http'

/** Whether the client has ended its connection, which is seen before the connection is closed. */
export const hasLeft = (res: ServerResponse): boolean => res.closed || res.req.socket.readableEnded

type Answer = (req: IncomingMessage, res: ServerResponse) => void

/**
 * Answers a request two turns of the event loop after it was read, unless its client has left by then: the end of a
 * connection is read a turn after the request on it. A process that was paused, or is slower than its clients are
 * patient, finds thousands of such connections, the oldest first, and would work only for clients who have left.
 */
export function unlessLeft(answer: Answer, onLeft: () => void): Answer {
  return (req, res) => {
    setImmediate(() => {
      setImmediate(() => {
        if (hasLeft(res)) onLeft()
        else answer(req, res)
      })
    })
  }
}
