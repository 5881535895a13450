import type { LiveFrame } from '../../core/contracts/control-room.ts'
import { readStream } from '../../web/shared/server-sent-events.ts'

/** A client of the control room's live stream. */
export interface Watcher {
  /** The first event of the stream: the frames before it was opened. */
  history: () => LiveFrame[] | undefined
  /** The frames since then. */
  frames: LiveFrame[]
  last: () => LiveFrame | undefined
  hasEnded: () => boolean
  leave: () => void
}

/** @throws when there is no stream for that token */
export async function watchLive(origin: string, token: string): Promise<Watcher> {
  const leaving = new AbortController()
  let history: LiveFrame[] | undefined
  let hasEnded = false
  const frames: LiveFrame[] = []
  await new Promise<void>((onOpen, onRefused) => {
    readStream({
      path: `${origin}/live`,
      token,
      signal: leaving.signal,
      silenceLimitMs: 40_000,
      onOpen,
      onEvent({ event, data }) {
        if (event === 'history') history = JSON.parse(data) as LiveFrame[]
        if (event === 'frame') frames.push(JSON.parse(data) as LiveFrame)
      },
      // The promise below is settled by `onOpen`; a later cut by either side only sets `hasEnded`.
    })
      .then((refusal) => onRefused(new Error(`No stream: ${refusal?.detail}`)), onRefused)
      .finally(() => {
        hasEnded = true
      })
  })
  return {
    history: () => history,
    frames,
    last: () => frames.at(-1),
    hasEnded: () => hasEnded,
    leave: () => leaving.abort(),
  }
}
