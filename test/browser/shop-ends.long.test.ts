import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { slowedSeconds } from '../support/patience.ts'
import type { System } from '../support/system.ts'
import { expectNoFaults } from './support/browser.ts'
import { type ShopVisits, startShopVisits } from './support/shop-visits.ts'

let visits: ShopVisits
let system: System
beforeAll(async () => {
  visits = await startShopVisits({
    PAYMENT_WINDOW_SECONDS: slowedSeconds(7),
    RESERVATION_LIFETIME_SECONDS: slowedSeconds(6),
    SWEEP_GRACE_SECONDS: '0.5',
  })
  system = visits.system
})
afterEach(() => visits.leave())
afterAll(() => visits.close())

/** Without waiting for the deadline. */
const lapse = (saleId: string) =>
  system.world.database.order.updateMany({
    where: { saleId, status: 'PENDING_PAYMENT' },
    data: { paymentDeadline: new Date(0) },
  })

async function visit(saleId: string, name: string) {
  const visitor = await visits.visit()
  await visitor.shop.open(saleId)
  await visitor.shop.signIn(name)
  return visitor
}

test('an order lapses on the open page, and the released unit enables the button of a waiting buyer', async () => {
  const saleId = await system.createSale({ stock: 1 })
  const dreamer = await visit(saleId, 'Dreamer')
  await dreamer.shop.buyUntilOrdered()
  const waiting = await visit(saleId, 'Waiting')
  await waiting.shop.says('Sold out for now')

  await dreamer.shop.says('It was not paid in time, so it went back on sale.')
  await dreamer.shop.says('You can buy again.')
  await waiting.shop.buyUntilOrdered()
  await dreamer.shop.button('Buy again').click()
  await dreamer.shop.says('Sold out for now')
  for (const visitor of [dreamer, waiting]) expectNoFaults(visitor)

  await lapse(saleId)
  await waiting.shop.says('It was not paid in time, so it went back on sale.')
  await dreamer.shop.buyUntilOrdered()
  expect((await system.auditAtRest(saleId)).balanced).toBe(true)
})

test('a reservation whose order never came is rejected, says why, and can be tried again', async () => {
  const saleId = await system.createSale()
  const { shop } = await visit(saleId, 'Unlucky')
  await system.stop('order-service')
  await shop.buy()
  await shop.says('You got it')
  await shop.says('The queue was too long: your reservation expired before it became an order. Nothing was charged.')
  await system.start('order-service')
  await shop.button('Buy again').click()
  await shop.buyUntilOrdered()
})

test('an order that ended while the page was closed is shown on return', async () => {
  const saleId = await system.createSale()
  const { shop, page } = await visit(saleId, 'Away')
  await shop.buyUntilOrdered()
  await page.goto('about:blank')
  const { id } = await system.world.database.order.findFirstOrThrow({ where: { saleId } })
  await lapse(saleId)
  await eventually(
    'the order to lapse',
    () => system.world.database.order.findUnique({ where: { id } }),
    (order) => order?.status === 'CANCELLED',
  )
  await page.goBack()
  await shop.says('It was not paid in time, so it went back on sale.')
})
