import { attemptEach } from '../core/platform/process/attempt-each.ts'
import { failpoint } from '../core/platform/process/failpoint.ts'
import type { SalesInTurn } from '../core/stock/sales-in-turn.ts'
import type { HandOverDeps, HandOver } from './hand-over.ts'

/** Most entries of one sale that are claimed together. */
const RESEND_MAX = 500

/**
 * Sends again what the broker has not confirmed for too long: its gateway died, or the broker was away. A refusal (the
 * queue is full) leaves the entry for a later pass, since an earlier publish of it may have arrived.
 */
export async function resendPending(
  deps: HandOverDeps,
  handOver: HandOver,
  olderThanMs: number,
  turns: SalesInTurn,
): Promise<void> {
  if (!deps.publisher.isReady()) return
  const sales = (await turns.next()).map((id) => ({ id }))
  // All at once: most sales have nothing to send again, and one round trip for each would take as long as there are
  // sales.
  const pending = await Promise.allSettled(sales.map(({ id }) => deps.stock.countPending(id)))
  await attemptEach(sales, async ({ id }, i) => {
    const count = pending[i]
    if (count?.status === 'rejected') throw count.reason
    if (!count?.value) return
    // On and on while the broker takes them: after an outage all of MAX_PENDING wait.
    while (await resendSome(deps, handOver, id, olderThanMs));
  })
}

/** @returns whether there may be more that the broker takes right now. */
async function resendSome(
  { stock, log }: HandOverDeps,
  handOver: HandOver,
  saleId: string,
  olderThanMs: number,
): Promise<boolean> {
  const claimed = await stock.claimPending(saleId, olderThanMs, RESEND_MAX)
  if (claimed.length === 0) return false
  log.info({ saleId, reservations: claimed.length }, 'sending unconfirmed reservations again')
  failpoint('resender.beforePublish')
  const outcomes = await Promise.all(claimed.map((reservation) => handOver.give(reservation)))
  failpoint('resender.afterConfirm')
  return claimed.length === RESEND_MAX && outcomes.every((outcome) => outcome === 'CONFIRMED')
}
