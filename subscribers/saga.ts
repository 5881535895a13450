import type { OrderEvent } from '../core/contracts/messages.ts'
import { closeSagas, lockAndReadOrders } from '../core/orders/saga.ts'
import { turnAfter } from '../core/orders/saga-chain.ts'
import { settleEnded } from '../core/orders/settle-ended.ts'
import { cancelForSaga, lockSales, refundPaid } from '../core/orders/transitions.ts'
import type { Transaction } from '../core/platform/stores/database.ts'
import { failpoint } from '../core/platform/process/failpoint.ts'
import { groupBy } from '../core/platform/batches/divide.ts'
import { Stock } from '../core/stock/stock.ts'
import type { Subscriber, Tools } from './runtime/subscriber.ts'

/**
 * Keeps the order's end of its saga: ends the order to which a failure has come back, and closes the saga of one that
 * has ended.
 */
export const subscriber: Subscriber = {
  name: 'saga',
  events: [
    'order.coupon-refused',
    'order.coupon-returned',
    'order.points-refused',
    'order.points-returned',
    'order.saga-expired',
    'order.cancelled',
    'order.refunded',
  ],
  follows: 'events',
  once: 'inbox',
  async handleTogether(tx, events, tools) {
    const comeBack = events.flatMap((event) => (turnAfter(event)?.of === 'order' ? (event.orderId ?? []) : []))
    // Sales before orders, as everywhere.
    await lockSales(tx, comeBack)
    await endOrders(tx, comeBack)
    const ended = events.filter(({ type }) => type === 'order.cancelled' || type === 'order.refunded')
    await closeSagas(
      tx,
      ended.map(({ orderId }) => orderId),
    )
    // Not while sales are held: should Redis be slow, orders would wait. The sweeper tells it then.
    if (comeBack.length === 0) await tellRedis(tx, ended, tools)
  },
}

/**
 * The units go back, and the money of those that were paid. One that its buyer has cancelled meanwhile has ended
 * already. The whole batch at once: the sales stay locked meanwhile, and one order at a time would be seven
 * statements each.
 */
async function endOrders(tx: Transaction, orderIds: string[]): Promise<void> {
  const goingBack = (await lockAndReadOrders(tx, orderIds)).filter(({ state }) => state === 'COMPENSATING')
  if (goingBack.length === 0) return
  for (const [reason, orders] of groupBy(goingBack, (held) => held.reason)) {
    const ids = orders.map(({ id }) => id)
    if (reason === 'VETOED') for (const id of ids) await refundPaid(tx, id, reason)
    else if (reason !== null) await cancelForSaga(tx, ids, reason)
  }
  failpoint('saga.beforeClosed')
  await closeSagas(
    tx,
    goingBack.map(({ id }) => id),
  )
}

/** Settles the orders that other transactions ended: those have committed by now. */
async function tellRedis(tx: Transaction, ended: OrderEvent[], { redis, config, log }: Tools): Promise<void> {
  const ids = ended.flatMap(({ orderId, reason }) =>
    orderId === null || reason === 'UNPAID' || reason === 'BUYER' ? [] : [orderId],
  )
  if (ids.length > 0) await settleEnded({ database: tx, stock: new Stock(redis, config.REDIS_KEY_PREFIX), log }, ids)
}
