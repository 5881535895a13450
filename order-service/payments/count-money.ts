import { settleEnded, type SettlingDeps } from '../../core/orders/settle-ended.ts'
import { type Money, type MoneyOutcome, receiveArchivedMoney, receiveMoney } from '../../core/orders/receive-money.ts'
import { Batcher } from '../../core/platform/batches/batcher.ts'
import { failpoint } from '../../core/platform/process/failpoint.ts'
import { sqlState } from '../../core/platform/stores/database.ts'
import { isOutage } from '../../core/platform/stores/outage.ts'

/** Of a crowd that pays: a transaction for all of them costs hardly more than one for the first. */
const BATCH_MAX = 64
/** While one batch waits for PostgreSQL, the next one can begin. */
const BATCHES_AT_ONCE = 2
/** A deadlock, or a lock that one of the batch did not get in time. */
const LOCK_FAULTS = new Set(['40P01', '55P03', '57014'])

export type CountMoney = (money: Money) => Promise<MoneyOutcome>

/**
 * Counts a payment once and settles a paid order in Redis. It stays counted when Redis is unreachable. Payments that
 * are reported at the same time share a transaction.
 */
export function moneyCounter(deps: SettlingDeps): CountMoney {
  const batcher = new Batcher<Money, MoneyOutcome>({
    itemsMax: BATCH_MAX,
    batchesMax: BATCHES_AT_ONCE,
    run: (money) => countAndSettle(deps, money),
    isOfOneItem: (error) => !isOutage(error) || LOCK_FAULTS.has(sqlState(error) ?? ''),
  })
  return async (money) => {
    const counted = await batcher.add(money)
    return counted.outcome === 'UNKNOWN_PAYMENT' ? receiveArchivedMoney(deps.database, money) : counted
  }
}

async function countAndSettle(deps: SettlingDeps, money: Money[]): Promise<MoneyOutcome[]> {
  const counted = await receiveMoney(deps.database, money)
  const paid = money.filter((_, i) => counted[i]?.outcome === 'PAID').map(({ orderId }) => orderId)
  if (paid.length > 0) {
    failpoint('payment.beforeSettle')
    await settlePaid(deps, paid)
  }
  return counted
}

/** A failure does not undo the count: the cancel worker's sweeper retries the settlement. */
async function settlePaid(deps: SettlingDeps, orderIds: string[]): Promise<void> {
  try {
    await settleEnded(deps, orderIds)
  } catch (error) {
    deps.log.warn({ err: error, orderIds }, 'settling paid orders in Redis failed; the sweeper will retry')
  }
}
