import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import type { System } from '../support/system.ts'
import { expectAccessible } from './support/accessibility.ts'
import { expectNoFaults } from './support/browser.ts'
import { ShopPage } from './support/shop-page.ts'
import { type ShopVisits, startShopVisits } from './support/shop-visits.ts'

let visits: ShopVisits
let system: System
beforeAll(async () => {
  visits = await startShopVisits({ PAYMENT_WINDOW_SECONDS: '600' })
  system = visits.system
})
afterEach(() => visits.leave())
afterAll(() => visits.close())

async function visit(saleId: string, name: string) {
  const visitor = await visits.visit()
  await visitor.shop.open(saleId)
  await visitor.shop.signIn(name)
  return visitor
}

const saleOfThree = () => system.createSale({ stock: 10, perBuyerLimit: 3 })
const ordersOf = (saleId: string) =>
  system.world.database.order.findMany({
    where: { saleId },
    select: { quantity: true, status: true },
    orderBy: { quantity: 'asc' },
  })
const orders = (...quantities: number[]) => quantities.map((quantity) => ({ quantity, status: 'PENDING_PAYMENT' }))

test('with a limit of three a buyer buys one, then two more after a reload, and is told the limit', async () => {
  const saleId = await saleOfThree()
  const visitor = await visit(saleId, 'Collector')
  const { shop, page } = visitor
  await shop.buy()
  await shop.says('You hold 1 of 3. You may buy 2 more.')
  await shop.says('Your order is waiting')
  await page.reload()
  await shop.says('You hold 1 of 3. You may buy 2 more.')

  await page.getByLabel('How many').fill('3')
  await shop.says('A whole number from 1 to 2.')
  expect(await shop.button('Buy more').getAttribute('aria-disabled')).toBe('true')
  await page.getByLabel('How many').fill('2')
  await shop.button('Buy more').click()
  await shop.says('You hold 3 of 3, as many as one person may have.')
  await page.getByRole('region', { name: 'Purchase 2' }).getByText('Your order is waiting').waitFor()
  await page.getByRole('region', { name: 'Purchase 1' }).getByText('Your order is waiting').waitFor()
  expect(await shop.button(/^Buy/).count()).toBe(0)
  await expectAccessible(page, 'two purchases')
  expectNoFaults(visitor)
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 3, redisLeft: 7 }] })
  expect(await ordersOf(saleId)).toEqual(orders(1, 2))
})

test('a fourth unit, asked for in another browser, is refused with a reason', async () => {
  const saleId = await saleOfThree()
  const first = await visit(saleId, 'Greedy')
  await first.page.getByLabel('How many').fill('3')
  await first.shop.buy()
  await first.shop.says('You hold 3 of 3, as many as one person may have.')
  const second = await visit(saleId, 'Greedy')
  await second.shop.buy()
  await second.shop.says('More than one person may have')
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 3 }] })
})

test('each purchase is paid and cancelled on its own, and what was cancelled may be bought again', async () => {
  const saleId = await saleOfThree()
  const { shop, page } = await visit(saleId, 'Choosy')
  await shop.buy()
  await shop.says('You hold 1 of 3. You may buy 2 more.')
  await page.getByLabel('How many').fill('2')
  await shop.button('Buy more').click()
  await shop.says('You hold 3 of 3, as many as one person may have.')
  const [older, newer] = [1, 2].map((number) => page.getByRole('region', { name: `Purchase ${number}` }))
  await older?.getByRole('button', { name: 'Cancel the order' }).click()
  await shop.says('You hold 2 of 3. You may buy 1 more.')
  await older?.getByText('Your order was cancelled').waitFor()
  await newer?.getByRole('button', { name: /^Pay ¥/ }).click()
  await page.getByRole('button', { name: /^Pay ¥/ }).click()
  await page.getByRole('link', { name: 'Back to the shop' }).click()
  await newer?.getByText('Paid. It is yours').waitFor()
  await older?.getByRole('button', { name: 'Remove from this page' }).click()
  await shop.button('Buy more').click()
  await shop.says('You hold 3 of 3, as many as one person may have.')
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 3, orders: { PAID: 1 } }] })
})

test('a lost answer, a reload and a second tab repeat the same purchase', async () => {
  const saleId = await saleOfThree()
  const { shop, page, tab } = await visit(saleId, 'Unheard')
  const keys: (string | undefined)[] = []
  await page.route(
    '**/reservations',
    async (route) => {
      keys.push(route.request().headers()['idempotency-key'])
      await route.fetch()
      await route.abort()
    },
    { times: 2 },
  )
  await shop.buy()
  await shop.says('No connection')
  await page.reload()
  await shop.says('Your last attempt got no answer')
  await shop.buy()
  await shop.says('No connection')
  const other = new ShopPage(await tab())
  await other.open(saleId)
  await other.says('Your last attempt got no answer')
  other.page.on('request', (request) => {
    if (request.method() === 'POST') keys.push(request.headers()['idempotency-key'])
  })
  await other.buy()
  for (const each of [shop, other]) await each.says('You hold 1 of 3. You may buy 2 more.')
  expect(keys).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), keys[0], keys[0]])
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 1 }] })

  await other.button('Buy more').click()
  await shop.says('You hold 2 of 3. You may buy 1 more.')
  expect(keys.at(-1)).not.toBe(keys[0])
})

test('a repeat with another quantity shows what the first attempt bought, and buys nothing', async () => {
  const saleId = await saleOfThree()
  const { shop, page } = await visit(saleId, 'Changed mind')
  await page.route(
    '**/reservations',
    async (route) => {
      await route.fetch()
      await route.abort()
    },
    { times: 1 },
  )
  await shop.buy()
  await shop.says('No connection')
  await page.getByLabel('How many').fill('2')
  await shop.buy()
  await shop.says('Your earlier attempt had arrived')
  await shop.says('You hold 1 of 3. You may buy 2 more.')
  await shop.says('Your order is waiting')
  expect(await ordersOf(saleId)).toEqual(orders(1))

  await page.getByLabel('How many').fill('2')
  await shop.button('Buy more').click()
  await shop.says('You hold 3 of 3, as many as one person may have.')
  await eventually(
    'the second order',
    () => ordersOf(saleId),
    (found) => found.length === 2,
  )
  expect(await ordersOf(saleId)).toEqual(orders(1, 2))
})

test('a refusal for want of tokens does not begin another purchase', async () => {
  const saleId = await saleOfThree()
  const { shop, page } = await visit(saleId, 'Throttled')
  let asked = 0
  await page.route('**/reservations', async (route) => {
    asked++
    if (asked === 1) {
      await route.fetch()
      await route.abort()
    } else if (asked === 2)
      await route.fulfill({
        status: 429,
        contentType: 'application/problem+json',
        body: JSON.stringify({ code: 'RATE_LIMITED', detail: '', retryAfterSeconds: 1 }),
      })
    else await route.fallback()
  })
  await shop.buy()
  await shop.says('No connection')
  await shop.buy()
  await shop.says('Too many attempts')
  await shop.buy()
  await shop.says('You hold 1 of 3. You may buy 2 more.')
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 1 }] })
})

test('a sale of one for each buyer offers no number, and a second browser finds the purchase of the first', async () => {
  const saleId = await system.createSale()
  const first = await visit(saleId, 'Twice here')
  await first.shop.buyUntilOrdered()
  const second = await visit(saleId, 'Twice here')
  await second.shop.button('Buy now').waitFor()
  expect(await second.page.getByLabel('How many').count()).toBe(0)
  await second.shop.buyUntilOrdered()
  expect(await second.page.getByText(/You hold/).count()).toBe(0)
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 1 }] })
})
