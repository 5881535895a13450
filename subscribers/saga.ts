import type { OrderEvent } from '../core/contracts/messages.ts'
import { byOrder, closeSagas, holdOrder } from '../core/orders/saga.ts'
import { turnAfter } from '../core/orders/saga-chain.ts'
import { tellEnded } from '../core/orders/tell-ended.ts'
import { cancelForSaga, lockSales, refundPaid } from '../core/orders/transitions.ts'
import type { Transaction } from '../core/platform/database.ts'
import { failpoint } from '../core/platform/failpoint.ts'
import { Stock } from '../core/stock/stock.ts'
import type { Subscriber, Tools } from './frame/subscriber.ts'

/** Keeps the order's end of its saga: ends the order to which a failure has come back, and closes the saga of one that has ended. */
export const subscriber: Subscriber = {
  name: 'saga',
  events: [
    'order.coupon-refused', 'order.coupon-returned', 'order.points-refused', 'order.points-returned', 'order.saga-expired',
    'order.cancelled', 'order.refunded',
  ],
  once: 'inbox',
  async handleTogether(tx, events, tools) {
    const comeBack = events.filter((event) => turnAfter(event)?.of === 'order')
    // Sales before orders, as everywhere.
    await lockSales(tx, comeBack.flatMap(({ orderId }) => orderId ?? []))
    for (const { orderId } of byOrder(comeBack)) if (orderId !== null) await endOrder(tx, orderId)
    const ended = events.filter(({ type }) => type === 'order.cancelled' || type === 'order.refunded')
    await closeSagas(tx, ended.map(({ orderId }) => orderId))
    // Not while sales are held: should Redis be slow, orders would wait. The sweeper tells it then.
    if (comeBack.length === 0) await tellRedis(tx, ended, tools)
  },
}

/** The unit goes back, and the money of one that was paid. An order that its buyer has cancelled meanwhile has ended already. */
async function endOrder(tx: Transaction, orderId: string): Promise<void> {
  const held = await holdOrder(tx, orderId)
  if (held?.state !== 'COMPENSATING' || held.reason === null) return
  if (held.reason === 'VETOED') await refundPaid(tx, orderId, held.reason)
  else await cancelForSaga(tx, orderId, held.reason)
  failpoint('saga.beforeClosed')
  await closeSagas(tx, [orderId])
}

/** Whoever else ends an order tells Redis at once; what is ended here can be told once that has committed, as it has now. */
async function tellRedis(tx: Transaction, ended: OrderEvent[], { redis, config, log }: Tools): Promise<void> {
  const ids = ended.flatMap(({ orderId, reason }) => orderId === null || reason === 'UNPAID' || reason === 'BUYER' ? [] : [orderId])
  if (ids.length > 0) await tellEnded({ database: tx, stock: new Stock(redis, config.REDIS_KEY_PREFIX), log }, ids)
}
