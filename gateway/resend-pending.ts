import { failpoint } from '../core/platform/failpoint.ts'
import type { HandOverDeps, HandOver } from './hand-over.ts'

/** Most entries of one sale that are claimed together. */
const RESEND_MAX = 500

/**
 * Sends again what the broker has not confirmed for too long: its gateway died, or the broker was away. A refusal (the
 * queue is full) leaves the entry for a later pass, since an earlier publish of it may have arrived.
 */
export async function resendPending(deps: HandOverDeps, handOver: HandOver, olderThanMs: number): Promise<void> {
  if (!deps.publisher.isReady()) return
  for (const saleId of await deps.stock.saleIds()) {
    // On and on while the broker takes them: after an outage all of MAX_PENDING wait.
    while (await resendSome(deps, handOver, saleId, olderThanMs));
  }
}

/** @returns whether there may be more that the broker takes right now. */
async function resendSome({ stock, log }: HandOverDeps, handOver: HandOver, saleId: string, olderThanMs: number): Promise<boolean> {
  const claimed = await stock.claimPending(saleId, olderThanMs, RESEND_MAX)
  if (claimed.length === 0) return false
  log.info({ saleId, reservations: claimed.length }, 'sending unconfirmed reservations again')
  failpoint('resender.beforePublish')
  const outcomes = await Promise.all(claimed.map((reservation) => handOver.give(reservation)))
  failpoint('resender.afterConfirm')
  return claimed.length === RESEND_MAX && outcomes.every((outcome) => outcome === 'CONFIRMED')
}
