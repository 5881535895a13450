import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import type { System } from '../support/system.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { expectNoFaults } from './support/browser.ts'
import { payElsewhere, ShopPage } from './support/shop-page.ts'
import { type ShopVisits, startShopVisits } from './support/shop-visits.ts'

let visits: ShopVisits
let system: System
beforeAll(async () => {
  visits = await startShopVisits({ PAYMENT_WINDOW_SECONDS: '600' })
  system = visits.system
})
afterEach(() => visits.leave())
afterAll(() => visits.close())

const visit = (origin?: string) => visits.visit(origin)

test('the page restores its state after a reload, in every state', async () => {
  const saleId = await system.createSale()
  const { shop, page } = await visit()
  const reloaded = async (title: string) => {
    await shop.says(title)
    await page.reload()
    await shop.says(title)
  }
  await shop.open(saleId)
  await reloaded('Who is buying?')
  await shop.signIn('Reloading')
  await reloaded('Buy now')
  await system.stop('order-service')
  await shop.buy()
  await reloaded('You got it')
  await system.start('order-service')
  await reloaded('Your order is waiting')
  await payElsewhere(system, saleId)
  await reloaded('Paid. It is yours')
})

test('two tabs of one buyer agree', async () => {
  const saleId = await system.createSale()
  const visitor = await visit()
  const other = new ShopPage(await visitor.tab())
  await Promise.all([visitor.shop.open(saleId), other.open(saleId)])
  await visitor.shop.signIn('Double')
  await other.says('Buy now')
  await visitor.shop.buy()
  await other.says('Your order is waiting')
  await payElsewhere(system, saleId)
  await Promise.all([visitor.shop.says('Paid. It is yours'), other.says('Paid. It is yours')])
  await visitor.shop.button('Sign out').click()
  await other.says('Who is buying?')
  expectNoFaults(visitor)
})

test('after a cut connection the page shows an order that was paid meanwhile', async () => {
  const gateway = new URL(system.url(''))
  const proxy = await startTcpProxy({ host: gateway.hostname, port: Number(gateway.port) })
  const { shop } = await visit(`http://127.0.0.1:${proxy.port}`)
  const saleId = await system.createSale()
  await shop.order(saleId, 'Cut off')
  proxy.cut()
  await shop.says('Live updates are interrupted; this page polls instead.')
  await shop.says('The shop cannot be reached')
  await payElsewhere(system, saleId)
  proxy.restore()
  await shop.says('Paid. It is yours')
  await proxy.close()
})

test('the page works with the event stream alone, when polling fails', async () => {
  const { shop, page } = await visit()
  await page.route(/\/reservations\/[^/]+$/, (route) =>
    route.request().method() === 'GET' ? route.abort() : route.fallback(),
  )
  const saleId = await system.createSale()
  await shop.order(saleId, 'Pushed')
  await payElsewhere(system, saleId)
  await shop.says('Paid. It is yours')
})

test('while orders are unreachable the page polls at a steady rate', async () => {
  const { shop, page } = await visit()
  const count = { views: 0, orders: 0 }
  await page.route('**/events', (route) => route.abort())
  await page.route(/\/reservations\/[^/]+$/, (route) => {
    count.views++
    return route.fallback()
  })
  await page.route('**/orders/*', (route) => {
    count.orders++
    return route.fulfill({
      status: 503,
      contentType: 'application/problem+json',
      body: JSON.stringify({ code: 'UNAVAILABLE', retryAfterSeconds: 1 }),
    })
  })
  await shop.open(await system.createSale())
  await shop.signIn('Orderless')
  const beganAtMs = performance.now()
  await shop.buy()
  await eventually(
    'four views',
    () => count.views,
    (views) => views >= 4,
  )
  // One a second, and one with each view.
  expect(count.orders).toBeLessThanOrEqual((performance.now() - beganAtMs) / 1_000 + count.views + 1)
  expect(count.orders).toBeGreaterThan(count.views)
})

test('a reload never shows the button to a buyer with an order', async () => {
  const saleId = await system.createSale()
  const { shop, page } = await visit()
  await shop.order(saleId, 'Reloading')
  let goOn = () => {}
  const held = new Promise<void>((resolve) => {
    goOn = resolve
  })
  await page.route('**/events', async (route) => {
    await held
    await route.fallback()
  })
  await page.reload()
  await shop.says('Looking for your order …')
  expect(await shop.button('Buy now').count()).toBe(0)
  goOn()
  await shop.says('Your order is waiting')
})

test('the page works with polling alone, when the event stream fails', async () => {
  const { shop, page } = await visit()
  await page.route('**/events', (route) => route.abort())
  const saleId = await system.createSale()
  await shop.order(saleId, 'Asking')
  await payElsewhere(system, saleId)
  await shop.says('Paid. It is yours')
})
