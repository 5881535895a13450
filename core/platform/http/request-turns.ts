import type { Registry } from 'prom-client'
import type { TurnLimits } from '../limits/turns.ts'
import { counter } from '../process/metrics.ts'
import { takeTurns } from './in-turn.ts'

/** Orders and reservations; paying and cancelling; what the payment provider reports. */
export type RequestKind = 'reading' | 'paying' | 'callback'

/**
 * Of callbacks. Money that is counted stays counted when the payment provider stops waiting meanwhile, so the oldest may
 * be first, and its own patience (3 s for the demo provider) ends the wait. With the newest first and refusals after a
 * second or two most callbacks were sent again: a third fewer orders were carried through.
 */
export const CALLBACKS_WAIT = { waitingMax: 1_000, waitMsMax: 10_000, oldestFirst: true } satisfies Partial<TurnLimits>

/** Requests of one kind do not wait for those of another: who looks at orders does not keep others from paying. */
export interface RequestTurns extends Record<RequestKind, ReturnType<typeof takeTurns>> {
  /** A client had left before its request was looked at. */
  onLeft: () => void
}

/** Bounds the work of buyers' requests, and counts those that are not worked on. */
export function requestTurns(limits: Record<RequestKind, TurnLimits>, metrics: Registry): RequestTurns {
  const shed = counter(metrics, 'seckill_requests_shed_total')
  const turnsOf = (kind: RequestKind) =>
    takeTurns(limits[kind], (turn) => shed.inc({ kind, reason: turn.toLowerCase() }))
  return {
    reading: turnsOf('reading'),
    paying: turnsOf('paying'),
    callback: turnsOf('callback'),
    onLeft: () => shed.inc({ kind: 'any', reason: 'gone' }),
  }
}
