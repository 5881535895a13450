import { comeBackMs } from '../../core/contracts/come-back.ts'
import type { PlaceView } from '../../core/contracts/places.ts'
import { ask, type Refusal } from '../shared/api.ts'
import { remembered } from '../shared/remembered.ts'
import { readStream } from '../shared/server-sent-events.ts'
import { createStore, type Store } from '../shared/store.ts'
import { saleClock } from './contract.ts'
import { type SignedIn, signOut } from './session.ts'

/** Well within the time after which the shop takes a buyer for absent. */
const POLL_MS = 5_000
const SPREAD_MS = 1_000
/** The gateway sends the place at least every 10 s. */
const SILENCE_LIMIT_MS = 25_000

export interface PlaceState {
  /** Undefined until the shop has answered, and without a place. */
  place?: PlaceView | undefined
  /** The buyer wants a place: also after a reload. */
  isWanted: boolean
  /** Changes are pushed; undefined while that is not known. */
  isPushed?: boolean | undefined
  /** The line began anew while the buyer stood in it. */
  isRestarted: boolean
  /** The buyer was admitted and did not buy in time. */
  isPassed: boolean
  refusal?: Refusal | undefined
}

/** The buyer's place in the waiting room of a sale. */
export interface Place {
  state: Store<PlaceState>
  join: () => void
  close: () => void
}

/** The shop knows no such place to be had: asking again would not help. */
const FINAL = new Set<Refusal['code']>(['NOT_FOUND', 'ENDED', 'NOT_ELIGIBLE', 'REGISTRATION_CLOSED'])

/**
 * Followed for as long as this page is open, also while it is hidden: the stream is the sign of life that keeps the
 * buyer's place.
 */
export function createPlace(saleId: string, { token, userId }: SignedIn): Place {
  const wanted = remembered(`seckill.place.${userId}.${saleId}`, (kept) => kept ?? '')
  const state = createStore<PlaceState>({ isWanted: wanted.get() !== '', isRestarted: false, isPassed: false })
  const closing = new AbortController()
  const { signal } = closing
  let isFollowed = false
  let failures = 0

  const change = (some: Partial<PlaceState>) => state.set({ ...state.get(), ...some })

  function take(place: PlaceView): void {
    const before = state.get().place
    const isRestarted = state.get().isRestarted || (before !== undefined && before.line !== place.line)
    change({ place, isRestarted: isRestarted && place.state !== 'ADMITTED', isPassed: false, refusal: undefined })
  }

  function giveUp(some: Partial<PlaceState>): void {
    wanted.set('')
    change({ place: undefined, isWanted: false, isPushed: undefined, isRestarted: false, ...some })
  }

  async function follow(): Promise<void> {
    if (isFollowed) return
    isFollowed = true
    while (!signal.aborted && state.get().isWanted) await step()
    isFollowed = false
  }

  /** Asks for the place, then follows it until the stream ends, the wait is over, or it is time to ask again. */
  async function step(): Promise<void> {
    const answer = await ask<PlaceView>(`/sales/${saleId}/place`, {
      method: 'POST',
      token,
      body: {},
      clock: saleClock,
      signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
    })
    if (signal.aborted) return
    failures = answer.ok ? 0 : failures + 1
    if (!answer.ok) return await refused(answer.refusal)
    take(answer.body)
    if (answer.body.admittedUntil !== undefined) return await useAdmission(answer.body.admittedUntil)
    // Not all at once, when a gateway ends its streams.
    await pause((await followStream()) ? Math.random() * SPREAD_MS : POLL_MS)
  }

  async function refused(refusal: Refusal): Promise<void> {
    if (refusal.code === 'UNAUTHENTICATED') return signOut()
    if (FINAL.has(refusal.code)) return giveUp({ refusal })
    change({ refusal })
    await pause(comeBackMs(failures, Math.max(refusal.retryAfterMs, 1_000)))
  }

  async function useAdmission(until: string): Promise<void> {
    await pause(Date.parse(until) - saleClock.nowMs())
    if (!signal.aborted) giveUp({ isPassed: true })
  }

  /** @returns whether there was a stream. */
  async function followStream(): Promise<boolean> {
    try {
      const refusal = await readStream({
        path: `/sales/${saleId}/place/events`,
        token,
        signal,
        silenceLimitMs: SILENCE_LIMIT_MS,
        onOpen: () => change({ isPushed: true }),
        onEvent: ({ data }) => take(JSON.parse(data) as PlaceView),
      })
      if (!refusal) return true
    } catch {
      // Cut off: asked for again.
    }
    if (!signal.aborted) change({ isPushed: false })
    return false
  }

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, ms))
      signal.addEventListener('abort', () => {
        clearTimeout(timer)
        resolve()
      })
    })

  if (state.get().isWanted) void follow()
  return {
    state,
    join() {
      wanted.set('1')
      change({ isWanted: true, isPassed: false, refusal: undefined })
      void follow()
    },
    close: () => closing.abort(),
  }
}

/** People ahead as a screen reader is told of them: not of every single step while there are many. */
export function roundedAhead(ahead: number): number {
  const unit = ahead > 1_000 ? 500 : ahead > 100 ? 50 : ahead > 10 ? 10 : 1
  return Math.ceil(ahead / unit) * unit
}
