import { failpoint } from '../core/platform/failpoint.ts'
import type { HandOverDeps, HandOver } from './hand-over.ts'

/** Most entries of one sale that one pass sends again. */
const RESEND_MAX = 500

/**
 * Sends again what the broker has not confirmed for too long: its gateway died, or the broker was away. A refusal (the
 * queue is full) leaves the entry for a later pass, since an earlier publish of it may have arrived.
 */
export async function resendPending(deps: HandOverDeps, handOver: HandOver, olderThanMs: number): Promise<void> {
  if (!deps.publisher.isReady()) return
  for (const saleId of await deps.stock.saleIds()) {
    const claimed = await deps.stock.claimPending(saleId, olderThanMs, RESEND_MAX)
    if (claimed.length === 0) continue
    deps.log.info({ saleId, reservations: claimed.length }, 'sending unconfirmed reservations again')
    failpoint('resender.beforePublish')
    await Promise.all(claimed.map((reservation) => handOver.give(reservation)))
    failpoint('resender.afterConfirm')
  }
}
