import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { placeOrders } from '../core/orders/place-orders.ts'
import { cancelForBuyer, cancelUnpaid } from '../core/orders/transitions.ts'
import { Ledger, reservation, rules } from '../test/support/ledger.ts'
import { createWorld, type World } from '../test/support/world.ts'

const MIGRATION = readFileSync(
  join(import.meta.dirname, 'migrations/20261121143812_refund_orders/migration.sql'),
  'utf8',
)
const FILL = MIGRATION.slice(MIGRATION.indexOf('UPDATE "orders"'), MIGRATION.indexOf('-- Redis is told'))

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())

test('orders that were cancelled before the release changed say why, and others do not', async () => {
  const ledger = new Ledger(world)
  const saleId = await ledger.sale(4)
  await placeOrders(
    world.database,
    [1, 2].map((n) => reservation(saleId, n)),
    { ...rules, paymentWindowMs: 0 },
  )
  await placeOrders(
    world.database,
    [3, 4].map((n) => reservation(saleId, n)),
    rules,
  )
  const orderOf = (n: number) => ledger.orderOf(`${saleId}.${n}`)
  await cancelUnpaid(world.database, [(await orderOf(1)).id])
  await cancelForBuyer(world.database, (await orderOf(3)).id, 'buyer-3')
  await world.database.$executeRaw`UPDATE orders SET end_reason = NULL`

  await world.database.$executeRawUnsafe(FILL)
  const found = await Promise.all([1, 2, 3, 4].map(orderOf))
  expect(found.map(({ endReason }) => endReason)).toEqual(['UNPAID', null, 'BUYER', null])
})
