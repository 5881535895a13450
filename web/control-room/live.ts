import { readStream, type ServerSentEvent } from '../shared/server-sent-events.ts'
import { createStore, useStore } from '../shared/store.ts'
import type { LiveFrame } from '../../core/contracts/control-room.ts'
import { adminToken } from './session.ts'

/** `REFUSED`: this token does not open this control room. */
export type Connection = 'CONNECTING' | 'LIVE' | 'LOST' | 'REFUSED'

/** Long enough to show a crowd's peak and drain, and a minute later its unpaid orders lapsing. */
export const SHOWN_SECONDS = 90
const AGAIN_MS = 1_000
/** A frame comes every second. */
const SILENCE_LIMIT_MS = 6_000

const connection = createStore<Connection>('CONNECTING')
const frames = createStore<LiveFrame[]>([])

export const useFrames = () => useStore(frames)
export const useConnection = () => useStore(connection)

/** Follows the stream for as long as the page is there: a stream that ends is opened again. */
export async function follow(): Promise<void> {
  for (;;) {
    const token = adminToken.get()
    if (token === '') await changed()
    else {
      await readOnce(token)
      if (connection.get() === 'REFUSED') await changed()
      else
        await new Promise((resolve) => {
          setTimeout(resolve, AGAIN_MS)
        })
    }
  }
}

const changed = () =>
  new Promise<void>((resolve) => {
    const stop = adminToken.watch(() => {
      stop()
      connection.set('CONNECTING')
      resolve()
    })
  })

async function readOnce(token: string): Promise<void> {
  const leaving = new AbortController()
  const stop = adminToken.watch(() => leaving.abort())
  const onEvent = (event: ServerSentEvent) => {
    connection.set('LIVE')
    take(event)
  }
  try {
    const refusal = await readStream({
      path: '/live',
      token,
      signal: leaving.signal,
      silenceLimitMs: SILENCE_LIMIT_MS,
      onEvent,
    })
    connection.set(refusal?.code === 'FORBIDDEN' || refusal?.code === 'UNAUTHENTICATED' ? 'REFUSED' : 'LOST')
  } catch {
    connection.set('LOST')
  } finally {
    stop()
  }
}

/** A control room that was started anew has no past; this page may still have it. */
function take({ event, data }: ServerSentEvent): void {
  if (event !== 'history' && event !== 'frame') return
  const news = event === 'history' ? (JSON.parse(data) as LiveFrame[]) : [JSON.parse(data) as LiveFrame]
  const [first] = news
  if (!first) return
  const all = [...frames.get().filter(({ atMs }) => atMs < first.atMs), ...news]
  const since = (all.at(-1)?.atMs ?? 0) - SHOWN_SECONDS * 1_000
  frames.set(all.filter(({ atMs }) => atMs >= since))
}
