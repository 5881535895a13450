import { tellEnded, type TellingDeps } from '../../core/orders/tell-ended.ts'
import { type Money, type MoneyOutcome, receiveMoney } from '../../core/orders/transitions.ts'
import { failpoint } from '../../core/platform/process/failpoint.ts'

/**
 * Counts money that has arrived, once, and tells Redis of a paid order. Redis being away does not make it uncounted.
 */
export async function countMoney(deps: TellingDeps, money: Money): Promise<MoneyOutcome> {
  const counted = await receiveMoney(deps.database, money)
  if (counted.outcome === 'PAID') failpoint('payment.beforeTelling')
  if (counted.outcome === 'PAID') await tellPaid(deps, money.orderId)
  return counted
}

/** The money is counted whatever comes of this; the cancel worker's sweeper makes good what fails here. */
async function tellPaid(deps: TellingDeps, orderId: string): Promise<void> {
  try {
    await tellEnded(deps, [orderId])
  } catch (error) {
    deps.log.warn({ err: error, orderId }, 'money is counted, Redis not told yet; the sweeper will')
  }
}
