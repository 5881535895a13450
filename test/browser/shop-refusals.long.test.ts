import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import type { System } from '../support/system.ts'
import { type ShopVisits, startShopVisits } from './support/shop-visits.ts'

let visits: ShopVisits
let system: System
beforeAll(async () => {
  visits = await startShopVisits({ PAYMENT_WINDOW_SECONDS: '600' })
  system = visits.system
})
afterEach(() => visits.leave())
afterAll(() => visits.close())

const visit = () => visits.visit()

describe('a refusal gives the reason and the next step', () => {
  test('an account that may not buy', async () => {
    const { shop } = await visit()
    await shop.open(await system.createSale())
    await shop.signIn('Banned')
    const { userId } = (await fetch(system.url('/sessions'), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"name":"Banned"}',
    }).then((answer) => answer.json())) as { userId: string }
    await system.controlRoom('PUT', `/blacklist/${userId}`, { reason: 'test' })
    await shop.buy()
    await shop.says('This account cannot take part')
  })

  test('a sale that is over', async () => {
    const { shop } = await visit()
    await shop.open(await system.createSale({ opensInMs: -60_000, closesInMs: -1_000 }))
    await shop.signIn('Late')
    await shop.says('This sale is over')
  })

  test.each([
    [429, 'RATE_LIMITED', 'Too many attempts'],
    [503, 'BUSY', 'The queue is full'],
    [503, 'UNAVAILABLE', 'The shop cannot be reached for a moment'],
  ])('%d %s: the wait is counted down, then the button is enabled', async (status, code, title) => {
    const { shop, page } = await visit()
    await shop.open(await system.createSale())
    await shop.signIn('Waiting')
    await page.route(
      '**/reservations',
      (route) =>
        route.fulfill({
          status,
          contentType: 'application/problem+json',
          body: JSON.stringify({ code, detail: '', retryAfterSeconds: 3 }),
        }),
      { times: 1 },
    )
    await shop.buy()
    await shop.says(title)
    await shop.button(/^Try again in \d s$/).waitFor()
    await shop.buyUntilOrdered()
  })

  test('without a connection', async () => {
    const { shop, page } = await visit()
    await shop.open(await system.createSale())
    await shop.signIn('Offline')
    await page.route('**/reservations', (route) => route.abort(), { times: 1 })
    await shop.buy()
    await shop.says('No connection')
    await shop.buyUntilOrdered()
  })
})

describe('coupon and points', () => {
  test('are sent only when something was entered, and only when it can be meant', async () => {
    const { shop, page } = await visit()
    await shop.open(await system.createSale())
    await shop.signIn('Thrifty')
    const sent: unknown[] = []
    await page.route('**/reservations', (route) => {
      sent.push(route.request().postDataJSON())
      return route.fulfill({
        status: 503,
        contentType: 'application/problem+json',
        body: JSON.stringify({ code: 'BUSY', retryAfterSeconds: 0 }),
      })
    })
    await shop.buy()
    await shop.says('The queue is full')
    await page.getByText('Coupon and points').click()
    await page.getByLabel('Coupon', { exact: true }).fill('no blanks')
    await shop.says('Letters, digits and - only, at most 40.')
    expect(await shop.button('Buy now').getAttribute('aria-disabled')).toBe('true')
    await page.getByLabel('Coupon', { exact: true }).fill('SPRING-5')
    await page.getByLabel('Points to spend').fill('250')
    await shop.buy()
    await eventually(
      'the second request',
      () => sent.length,
      (count) => count === 2,
    )
    expect(sent).toEqual([{}, { coupon: 'SPRING-5', points: 250 }])
  })

  test('while they are checked the page says so, and offers no payment', async () => {
    const { shop, page } = await visit()
    let state = 'RUNNING'
    await page.route('**/orders/*', async (route) => {
      const answer = await route.fetch()
      const order = (await answer.json()) as object
      await route.fulfill({ response: answer, json: { ...order, couponCode: 'SPRING-5', saga: { state } } })
    })
    await shop.open(await system.createSale())
    await shop.signIn('Patient')
    await shop.buy()
    await shop.says('Checking your coupon and points. This takes a moment.')
    expect(await shop.button(/^Pay/).count()).toBe(0)
    state = 'DONE'
    await shop.says('Your order is waiting')
  })
})
