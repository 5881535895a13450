import { failpoint } from '../platform/process/failpoint.ts'
import { groupBy } from '../platform/batches/divide.ts'
import type { Logger } from '../platform/process/log.ts'
import { isOutage } from '../platform/stores/outage.ts'
import { ledgerOf } from '../stock/reservation.ts'
import type { Stock } from '../stock/stock.ts'
import type { Verdict } from './decide.ts'

/**
 * Writes decisions into the ledger; idempotent. A failure is only logged: the reservation stays undecided in Redis, and
 * the cancel worker's sweeper settles it later.
 */
export async function settleDecided(stock: Stock, verdicts: Verdict[], log: Logger): Promise<void> {
  const results = await Promise.allSettled([...settleOrdered(stock, verdicts), ...releaseRejected(stock, verdicts)])
  failpoint('settling.afterWrite')
  const failed = results.filter((result) => result.status === 'rejected')
  const level = failed.every(({ reason }) => isOutage(reason)) ? 'warn' : 'error'
  if (failed.length > 0)
    log[level](
      { err: failed[0]?.reason, failed: failed.length },
      'decisions were not settled in Redis; the sweeper will do it',
    )
}

function settleOrdered(stock: Stock, verdicts: Verdict[]): Promise<void>[] {
  return (['ORDERED', 'PAID'] as const).flatMap((status) => {
    const ordered = verdicts.flatMap(({ reservation: { reservationId, buyerId }, decision, isPaid = false }) =>
      decision.outcome === 'ORDERED' && isPaid === (status === 'PAID')
        ? [{ reservationId, buyerId, orderId: decision.orderId }]
        : [],
    )
    return [...groupBy(ordered, ({ reservationId }) => ledgerOf(reservationId))].map(([ledger, orders]) =>
      stock.settle(ledger, status, orders),
    )
  })
}

/** SOLD_OUT means that Redis had more units than there are: such a unit must not go back. */
function releaseRejected(stock: Stock, verdicts: Verdict[]): Promise<unknown>[] {
  return verdicts.flatMap(({ reservation, decision }) =>
    decision.outcome === 'REJECTED'
      ? [
          stock.release(reservation, {
            status: 'REJECTED',
            reason: decision.reason,
            giveBack: decision.reason !== 'SOLD_OUT',
          }),
        ]
      : [],
  )
}
