import { failpoint } from '../platform/process/failpoint.ts'
import { groupBy } from '../platform/batches/group-by.ts'
import type { Logger } from '../platform/process/log.ts'
import { isOutage } from '../platform/stores/outage.ts'
import type { Stock } from '../stock/stock.ts'
import type { Verdict } from './decide.ts'

/**
 * Tells Redis what the database decided; safe to repeat. A fault is only logged: the reservation stays undecided there,
 * and the cancel worker's sweeper settles what stays so for too long.
 */
export async function tellStock(stock: Stock, verdicts: Verdict[], log: Logger): Promise<void> {
  const told = await Promise.allSettled([...settleOrdered(stock, verdicts), ...releaseRejected(stock, verdicts)])
  failpoint('telling.afterSettle')
  const failed = told.filter((result) => result.status === 'rejected')
  const level = failed.every(({ reason }) => isOutage(reason)) ? 'warn' : 'error'
  if (failed.length > 0)
    log[level]({ err: failed[0]?.reason, failed: failed.length }, 'Redis was not told; the sweeper will')
}

function settleOrdered(stock: Stock, verdicts: Verdict[]): Promise<void>[] {
  return (['ORDERED', 'PAID'] as const).flatMap((status) => {
    const ordered = verdicts.flatMap(({ reservation: { saleId, reservationId }, decision, isPaid = false }) =>
      decision.outcome === 'ORDERED' && isPaid === (status === 'PAID')
        ? [{ saleId, reservationId, orderId: decision.orderId }]
        : [],
    )
    return [...groupBy(ordered, ({ saleId }) => saleId)].map(([saleId, orders]) => stock.settle(saleId, status, orders))
  })
}

/** Refused as sold out means that Redis had more units than there are: such a one never was, and does not go back. */
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
