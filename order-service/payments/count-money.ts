import { settleEnded, type SettlingDeps } from '../../core/orders/settle-ended.ts'
import { type Money, type MoneyOutcome, receiveMoney } from '../../core/orders/transitions.ts'
import { failpoint } from '../../core/platform/process/failpoint.ts'

/**
 * Counts money that has arrived, once, and settles a paid order in Redis. An outage of Redis does not undo the
 * counting.
 */
export async function countMoney(deps: SettlingDeps, money: Money): Promise<MoneyOutcome> {
  const counted = await receiveMoney(deps.database, money)
  if (counted.outcome === 'PAID') failpoint('payment.beforeSettle')
  if (counted.outcome === 'PAID') await settlePaid(deps, money.orderId)
  return counted
}

/** A failure leaves the money counted; the cancel worker's sweeper settles the order later. */
async function settlePaid(deps: SettlingDeps, orderId: string): Promise<void> {
  try {
    await settleEnded(deps, [orderId])
  } catch (error) {
    deps.log.warn(
      { err: error, orderId },
      'money is counted, the order not settled in Redis yet; the sweeper will do it',
    )
  }
}
