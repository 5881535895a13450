import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { System } from '../support/system.ts'
import { expectAccessible } from './support/accessibility.ts'
import { expectNoFaults } from './support/browser.ts'
import { type ShopVisits, startShopVisits } from './support/shop-visits.ts'

let visits: ShopVisits
let system: System
beforeAll(async () => {
  visits = await startShopVisits({ PAYMENT_WINDOW_SECONDS: '600' })
  system = visits.system
})
afterEach(() => visits.leave())
afterAll(() => visits.close())

const opening = { ticket: { fromMinutesBefore: 10 }, proofOfWork: { tries: 200 } }

test('the page works for a ticket before the opening, keeps it over a reload, and buys with it', async () => {
  const saleId = await system.createSale({ opening, opensInMs: 300_000 })
  const visitor = await visits.visit()
  const { shop, page } = visitor
  await shop.open(saleId)
  await shop.signIn('Early')
  await page.getByRole('progressbar', { name: 'Work for your ticket' }).waitFor()
  await expectAccessible(page, 'working for a ticket')
  await shop.says('You have your ticket.')
  await page.route('**/challenge', (route) => route.abort())
  await page.reload()
  await shop.says('You have your ticket.')
  expect(await shop.button('Opens soon').getAttribute('aria-disabled')).toBe('true')
  await system.controlRoom('PATCH', `/sales/${saleId}`, { opensAt: new Date(Date.now() - 1_000) })
  await shop.buyUntilOrdered()
  expectNoFaults(visitor)
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 1 }] })
})

test('a ticket that is refused is replaced, and each of several purchases has one of its own', async () => {
  const saleId = await system.createSale({ opening: { ticket: opening.ticket }, perBuyerLimit: 2 })
  const { shop, page } = await visits.visit()
  await page.route(
    '**/tickets',
    (route) => route.fulfill({ status: 201, json: { ticket: 'a.b', expiresAt: new Date(Date.now() + 60_000) } }),
    { times: 1 },
  )
  await shop.open(saleId)
  await shop.signIn('Twice')
  await shop.buy()
  await shop.says('Your ticket was not accepted')
  await shop.buyUntilOrdered()
  await shop.button('Buy more').click()
  await shop.says('You hold 2 of 2, as many as one person may have.')
})

test('who let orders lapse is told why they wait, and how long', async () => {
  const saleId = await system.createSale({ opening: { lapses: { max: 1, waitSeconds: 600 } } })
  const { shop, page } = await visits.visit()
  await shop.order(saleId, 'Hoarder')
  await system.world.database.order.updateMany({ where: { saleId }, data: { paymentDeadline: new Date() } })
  await shop.button('Buy again').click()
  await shop.buy()
  await shop.says('Several of your orders were not paid')
  await shop.button(/^Try again in [1-6]?\d?\d s$/).waitFor()
  await expectAccessible(page, 'waiting after lapsed orders')
})

test('an account that gets no ticket is told so, in Chinese, too', async () => {
  const saleId = await system.createSale({ opening })
  const { shop, page } = await visits.visit()
  await page.route('**/challenge', (route) =>
    route.fulfill({ status: 403, contentType: 'application/problem+json', json: { code: 'TICKET_REFUSED' } }),
  )
  await shop.open(saleId)
  await shop.signIn('Farm')
  await shop.says('No ticket for this account')
  await expectAccessible(page, 'no ticket')
  await page.getByLabel('Language').selectOption('zh')
  await shop.says('该账户领不到资格票')
})
