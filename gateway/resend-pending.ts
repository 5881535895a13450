import { attemptEach } from '../core/platform/process/attempt-each.ts'
import { failpoint } from '../core/platform/process/failpoint.ts'
import type { LedgersInTurn } from '../core/stock/ledgers-in-turn.ts'
import { saleOf } from '../core/stock/shards.ts'
import type { Publish, PublishDeps } from './publish-in-batches.ts'

/** Most entries of one ledger that are claimed together. */
const RESEND_MAX = 500

/**
 * Publishes again the reservations that the broker has not confirmed for too long: their gateway died, or the broker was
 * away. A refusal (the queue is full) leaves the entry for a later pass, since an earlier publish may have arrived.
 */
export async function resendPending(
  deps: PublishDeps,
  publish: Publish,
  olderThanMs: number,
  turns: LedgersInTurn,
): Promise<void> {
  if (!deps.publisher.isReady()) return
  const ledgers = (await turns.next()).map((id) => ({ id }))
  // All at once: most ledgers have nothing pending, and sequential round trips would grow with their number.
  const pending = await Promise.allSettled(ledgers.map(({ id }) => deps.stock.countPending(id)))
  await attemptEach(ledgers, async ({ id }, i) => {
    const count = pending[i]
    if (count?.status === 'rejected') throw count.reason
    if (!count?.value) return
    // Until the broker refuses one: after an outage all of MAX_PENDING wait.
    while (await resendSome(deps, publish, id, olderThanMs));
  })
}

/** @returns whether there may be more that the broker accepts now. */
async function resendSome(
  { stock, log }: PublishDeps,
  publish: Publish,
  ledger: string,
  olderThanMs: number,
): Promise<boolean> {
  const claimed = await stock.claimPending(ledger, olderThanMs, RESEND_MAX)
  if (claimed.length === 0) return false
  log.info({ saleId: saleOf(ledger), reservations: claimed.length }, 'publishing unconfirmed reservations again')
  failpoint('resender.beforePublish')
  const outcomes = await Promise.all(claimed.map((reservation) => publish(reservation)))
  failpoint('resender.afterConfirm')
  return claimed.length === RESEND_MAX && outcomes.every((outcome) => outcome === 'CONFIRMED')
}
