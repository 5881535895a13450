import { type Money, type MoneyOutcome, receiveMoney } from '../../core/orders/transitions.ts'
import type { Database } from '../../core/platform/database.ts'
import type { Logger } from '../../core/platform/log.ts'
import type { Stock } from '../../core/stock/stock.ts'

export interface CountingDeps {
  database: Database
  stock: Stock
  log: Logger
}

interface PaidOrder {
  id: string
  saleId: string
  reservationId: string
}

/** Counts money that has arrived, once, and tells Redis of a paid order. Redis being away does not make it uncounted. */
export async function countMoney(deps: CountingDeps, money: Money): Promise<MoneyOutcome> {
  const counted = await receiveMoney(deps.database, money)
  if (counted.outcome === 'PAID') await tellPaid(deps, counted.order)
  // The provider repeats when it got no answer, perhaps because we died between the commit and telling Redis.
  if (counted.outcome === 'ALREADY_COUNTED') await tellPaidAgain(deps, money.orderId)
  return counted
}

async function tellPaidAgain(deps: CountingDeps, orderId: string): Promise<void> {
  const order = await deps.database.order.findFirst({
    where: { id: orderId, status: 'PAID' }, select: { id: true, saleId: true, reservationId: true },
  })
  if (order) await tellPaid(deps, order)
}

async function tellPaid({ stock, log }: CountingDeps, { id, saleId, reservationId }: PaidOrder): Promise<void> {
  try {
    await stock.settle(saleId, 'PAID', [{ reservationId, orderId: id }])
  } catch (error) {
    log.warn({ err: error, orderId: id }, 'money is counted, but Redis was not told')
  }
}
