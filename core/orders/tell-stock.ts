import type { Logger } from '../platform/log.ts'
import type { Stock } from '../stock/stock.ts'
import type { Verdict } from './decide.ts'

/**
 * Tells Redis what the database decided; safe to repeat. A fault is only logged: the reservation stays undecided there,
 * and the cancel worker's sweeper settles what stays so for too long.
 */
export async function tellStock(stock: Stock, verdicts: Verdict[], log: Logger): Promise<void> {
  const told = await Promise.allSettled(verdicts.map(({ reservation, decision }) => {
    const { saleId, reservationId } = reservation
    if (decision.outcome === 'ORDERED') return stock.settle(saleId, reservationId, 'ORDERED', decision.orderId)
    // Refused as sold out means that Redis had more units than there are: this one never was, and does not go back.
    return stock.release(reservation, { status: 'REJECTED', reason: decision.reason, giveBack: decision.reason !== 'SOLD_OUT' })
  }))
  const failed = told.filter((result) => result.status === 'rejected')
  if (failed.length > 0) log.warn({ err: failed[0]?.reason, failed: failed.length }, 'Redis was not told; the sweeper will')
}
