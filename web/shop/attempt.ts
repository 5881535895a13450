import type { Answer, Refusal } from '../shared/api.ts'
import type { Store } from '../shared/store.ts'
import { signOut } from './session.ts'

/** What the last press of a button led to. */
export interface Attempted {
  /** The request in flight, which a second press must not repeat. */
  doing?: 'BUYING' | 'OPENING_PAYMENT' | 'CANCELLING' | undefined
  /** Of the last attempt, and when (by `performance.now()`) the next one makes sense. */
  refusal?: (Refusal & { againAtMs: number }) | undefined
}

/**
 * One at a time; its refusal stays to be seen until the next attempt. @returns undefined when another is in flight.
 */
export async function attempt<Body, State extends Attempted>(
  state: Store<State>,
  doing: NonNullable<Attempted['doing']>,
  request: () => Promise<Answer<Body>>,
): Promise<Answer<Body> | undefined> {
  if (state.get().doing) return undefined
  state.set({ ...state.get(), doing, refusal: undefined })
  const answer = await request()
  state.set({ ...state.get(), doing: undefined })
  if (answer.ok) return answer
  const { refusal } = answer
  if (refusal.code === 'UNAUTHENTICATED') signOut()
  state.set({ ...state.get(), refusal: { ...refusal, againAtMs: performance.now() + refusal.retryAfterMs } })
  return answer
}
