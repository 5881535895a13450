import { settleEnded, type SettlingDeps } from '../../core/orders/settle-ended.ts'
import { type Money, type MoneyOutcome, receiveMoney } from '../../core/orders/receive-money.ts'
import { failpoint } from '../../core/platform/process/failpoint.ts'

/** Counts a payment once and settles a paid order in Redis. It stays counted when Redis is unreachable. */
export async function countMoney(deps: SettlingDeps, money: Money): Promise<MoneyOutcome> {
  const counted = await receiveMoney(deps.database, money)
  if (counted.outcome === 'PAID') {
    failpoint('payment.beforeSettle')
    await settlePaid(deps, money.orderId)
  }
  return counted
}

/** A failure does not undo the count: the cancel worker's sweeper retries the settlement. */
async function settlePaid(deps: SettlingDeps, orderId: string): Promise<void> {
  try {
    await settleEnded(deps, [orderId])
  } catch (error) {
    deps.log.warn({ err: error, orderId }, 'settling a paid order in Redis failed; the sweeper will retry')
  }
}
