import { readStream } from '../../web/shared/server-sent-events.ts'

/** A client of the event stream of a reservation. */
export interface EventStream {
  /** Status of each event, in order of arrival. */
  statuses: string[]
  reasons: unknown[]
  isOpen: boolean
  isOver: boolean
  /** Resolves when the server has ended the stream, with the problem when it refused it. */
  ended: ReturnType<typeof readStream>
  leave: () => void
}

export function openEventStream(url: string, token: string): EventStream {
  const leaving = new AbortController()
  const stream: EventStream = {
    statuses: [],
    reasons: [],
    isOpen: false,
    isOver: false,
    leave: () => leaving.abort(),
    ended: readStream({
      path: url,
      token,
      signal: leaving.signal,
      silenceLimitMs: 40_000,
      onOpen: () => {
        stream.isOpen = true
      },
      onEvent({ data }) {
        const { status, reason } = JSON.parse(data) as { status: string; reason?: string }
        stream.statuses.push(status)
        stream.reasons.push(reason)
      },
    }),
  }
  // A test that leaves the stream does not await `ended`: its rejection must not end the process.
  stream.ended
    .catch(() => 'cut by either side')
    .finally(() => {
      stream.isOver = true
    })
  return stream
}
