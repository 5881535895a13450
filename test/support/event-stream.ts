import { readStream } from '../../web/shared/server-sent-events.ts'

/** An event stream as a client hears it. */
export interface Heard {
  /** Status of each event, in the order of their coming. */
  statuses: string[]
  reasons: unknown[]
  isOpen: boolean
  isOver: boolean
  /** Resolves when the server has ended it, with its refusal if it was one. */
  ended: ReturnType<typeof readStream>
  leave: () => void
}

export function hear(url: string, token: string): Heard {
  const leaving = new AbortController()
  const heard: Heard = {
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
        heard.isOpen = true
      },
      onEvent({ data }) {
        const { status, reason } = JSON.parse(data) as { status: string; reason?: string }
        heard.statuses.push(status)
        heard.reasons.push(reason)
      },
    }),
  }
  // Whoever leaves does not look at how it ended.
  heard.ended
    .catch(() => 'cut, by us or by them')
    .finally(() => {
      heard.isOver = true
    })
  return heard
}
