import { comeBackMs } from '../../core/contracts/come-back.ts'
import { ask } from '../shared/api.ts'
import { readStream } from '../shared/server-sent-events.ts'
import { isFinal, type Reservation } from './contract.ts'

/** Of polls while there is no stream, which then come less and less often, so that a shop in trouble gets less load. */
const PAUSE_MS = { first: 1_000, longest: 4_000 }
/** The end of a stream that lived so long resets the back-off. */
const GOOD_STREAM_MS = 10_000

/** The gateway sends a heartbeat every 15 s. */
const SILENCE_LIMIT_MS = 40_000

export interface Following {
  reservationId: string
  token: string
  /** Otherwise by polls alone, and only until it is paid. */
  isStreamed: boolean
  signal: AbortSignal
  onView: (view: Reservation) => void
  /** Whether changes are pushed; otherwise this polls. Of a stream only. */
  onPushed: (isPushed: boolean) => void
  /** A poll got no view. */
  onUnread: () => void
  /** The shop does not know the reservation, or not the buyer. */
  onLost: (code: 'NOT_FOUND' | 'UNAUTHENTICATED') => void
}

/**
 * Follows a reservation until it is final: by the stream, and while there is none by polling. Only while the page is
 * visible: a browser has six connections to one origin, and every hidden tab would occupy one of them.
 */
export async function followReservation(following: Following): Promise<void> {
  const { signal, isStreamed, onPushed } = following
  let pauseMs = PAUSE_MS.first
  while (!signal.aborted) {
    await visible(signal)
    if (isStreamed) {
      const openedAtMs = performance.now()
      const end = await followStream(following)
      if (signal.aborted || end === 'OVER') return
      if (performance.now() - openedAtMs > GOOD_STREAM_MS) pauseMs = PAUSE_MS.first
      if (end === 'HIDDEN') continue
      onPushed(false)
    }
    const polled = await poll(following)
    if (polled === 'OVER') return
    await pause(comeBackMs(1, Math.max(pauseMs, polled.retryAfterMs)), signal)
    pauseMs = Math.min(2 * pauseMs, PAUSE_MS.longest)
  }
}

async function followStream(following: Following): Promise<'OVER' | 'HIDDEN' | 'CUT'> {
  const { reservationId, token, signal, onPushed, onLost } = following
  const hidden = hiddenSignal()
  let isOver = false
  try {
    const refusal = await readStream({
      path: `/reservations/${reservationId}/events`,
      token,
      signal: AbortSignal.any([signal, hidden.signal]),
      silenceLimitMs: SILENCE_LIMIT_MS,
      onOpen: () => onPushed(true),
      onEvent: ({ data }) => {
        isOver = show(following, JSON.parse(data) as Reservation)
      },
    })
    if (refusal?.code === 'NOT_FOUND' || refusal?.code === 'UNAUTHENTICATED') {
      onLost(refusal.code)
      return 'OVER'
    }
    // The shop ends a stream after the last event.
    if (!refusal && isOver) return 'OVER'
  } catch {
    // Cut off: polled by the caller.
  } finally {
    hidden.release()
  }
  return hidden.signal.aborted ? 'HIDDEN' : 'CUT'
}

/** @returns OVER when there is nothing more to follow, else how long the shop asks to wait. */
async function poll(following: Following): Promise<'OVER' | { retryAfterMs: number }> {
  const { reservationId, token, isStreamed, signal, onUnread, onLost } = following
  const answer = await ask<Reservation>(`/reservations/${reservationId}`, {
    token,
    signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
  })
  if (signal.aborted) return 'OVER'
  if (answer.ok) {
    const isOver = show(following, answer.body) && (!isStreamed || isFinal(answer.body))
    return isOver ? 'OVER' : { retryAfterMs: 0 }
  }
  const { code, retryAfterMs } = answer.refusal
  if (code !== 'NOT_FOUND' && code !== 'UNAUTHENTICATED') {
    onUnread()
    return { retryAfterMs }
  }
  onLost(code)
  return 'OVER'
}

/** @returns whether the stream may end after it: PAID is followed for a while, since a veto may come. */
function show({ signal, onView }: Following, view: Reservation): boolean {
  if (!signal.aborted) onView(view)
  return isFinal(view) || view.status === 'PAID'
}

function hiddenSignal(): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController()
  const onChange = () => {
    if (document.hidden) controller.abort()
  }
  document.addEventListener('visibilitychange', onChange)
  return { signal: controller.signal, release: () => document.removeEventListener('visibilitychange', onChange) }
}

async function visible(signal: AbortSignal): Promise<void> {
  while (document.hidden && !signal.aborted) await happens(document, 'visibilitychange', signal)
}

function happens(target: EventTarget, event: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    target.addEventListener(event, () => resolve(), { once: true, signal })
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Shorter when the browser says that the network is back. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return happens(window, 'online', AbortSignal.any([signal, AbortSignal.timeout(ms)]))
}
