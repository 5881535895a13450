import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { placeOrders } from '../core/orders/place-orders.ts'
import { settleDecided } from '../core/orders/settle-decided.ts'
import { settleEnded } from '../core/orders/settle-ended.ts'
import { cancelForBuyer } from '../core/orders/transitions.ts'
import { createLog } from '../core/platform/process/log.ts'
import { closeSale } from '../core/rebuild/close-sale.ts'
import { reopenSale } from '../core/rebuild/reopen-sale.ts'
import { SaleAdmin } from '../core/stock/sale-admin.ts'
import { findReservation } from '../test/support/find-reservation.ts'
import { Ledger, reservation, rules } from '../test/support/ledger.ts'
import { reserveOne } from '../test/support/reserve-one.ts'
import { createWorld, type World } from '../test/support/world.ts'
import { StatusReconciler } from './reconcile-statuses.ts'

const STOCK = 10
const log = createLog('test', 'silent')
let world: World
let saleAdmin: SaleAdmin
beforeAll(async () => {
  world = await createWorld()
  saleAdmin = new SaleAdmin(world.redis, world.keyPrefix)
})
afterAll(() => world.close())

const deps = () => ({ database: world.database, stock: world.stock, saleAdmin, log })

/** Copies what Redis has of a sale now. @returns puts it back, like a replica that missed what came after */
async function copyOf(saleId: string): Promise<() => Promise<void>> {
  const keys = [saleAdmin.keys.sale(saleId), saleAdmin.keys.book(saleId), saleAdmin.keys.orders(saleId)]
  const copies = await Promise.all(keys.map((key) => world.redis.dumpBuffer(key)))
  return async () => {
    for (const [i, key] of keys.entries()) await world.redis.restore(key, 0, copies[i] ?? '', 'REPLACE')
  }
}

test('orders that were settled at another primary are settled again, each unit once', async () => {
  const saleId = await new Ledger(world).sale(STOCK, `sale-${randomUUID().slice(0, 8)}`)
  const closed = await closeSale(deps(), saleId)
  if (closed) await reopenSale(deps(), closed)
  const messages = [1, 2, 3].map((n) => reservation(saleId, n))
  for (const message of messages) await reserveOne(world.stock, { saleId, epoch: 1, total: STOCK }, message)
  const verdicts = await placeOrders(world.database, messages, rules)
  await settleDecided(world.stock, verdicts, log)
  const restore = await copyOf(saleId)

  const [paid, cancelled] = verdicts.map(({ decision }) => (decision.outcome === 'ORDERED' ? decision.orderId : ''))
  await world.database.order.update({ where: { id: paid ?? '' }, data: { status: 'PAID', paidAt: new Date() } })
  await cancelForBuyer(world.database, cancelled ?? '', messages[1]?.buyerId ?? '')
  expect(await settleEnded(deps())).toBe(2)
  await restore()

  const reconciler = new StatusReconciler(deps())
  const statuses = () =>
    Promise.all(messages.map(async ({ reservationId }) => (await findReservation(world, reservationId))?.status))
  await reconciler.runOnce()
  await settleEnded(deps())
  expect(await statuses()).toEqual(['PAID', 'CANCELLED', 'ORDERED'])
  expect((await world.stock.readSale(saleId))?.left).toBe(STOCK - 2)

  await reconciler.runOnce()
  expect(await settleEnded(deps())).toBe(0)
})

test('the statuses of a sale that is being rebuilt are left to the rebuild', async () => {
  const saleId = await new Ledger(world).sale(STOCK, `sale-${randomUUID().slice(0, 8)}`)
  const first = await closeSale(deps(), saleId)
  if (first) await reopenSale(deps(), first)
  const message = reservation(saleId, 1)
  await reserveOne(world.stock, { saleId, epoch: 1, total: STOCK }, message)
  const [verdict] = await placeOrders(world.database, [message], rules)
  await settleDecided(world.stock, verdict ? [verdict] : [], log)
  const restore = await copyOf(saleId)
  const orderId = verdict?.decision.outcome === 'ORDERED' ? verdict.decision.orderId : ''
  await cancelForBuyer(world.database, orderId, message.buyerId)
  await settleEnded(deps())
  await restore()
  await world.redis.hset(saleAdmin.keys.sale(saleId), 'run_id', '')
  const reconciler = new StatusReconciler(deps())
  for (let i = 0; i < 2; i++) await reconciler.runOnce()
  expect((await world.database.order.findUniqueOrThrow({ where: { id: orderId } })).settledAt).not.toBeNull()
})
