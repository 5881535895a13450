import type { Locator } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import type { System } from '../support/system.ts'
import { expectAccessible } from './support/accessibility.ts'
import { expectNoFaults } from './support/browser.ts'
import { payElsewhere } from './support/shop-page.ts'
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

describe('buying', () => {
  test("from sign-in to paid, over the payment provider's page and back", async () => {
    const saleId = await system.createSale({ stock: 3 })
    const visitor = await visit()
    await visitor.shop.order(saleId, 'Ada')
    await visitor.shop.pay()
    await visitor.shop.says('Paid. It is yours')
    await visitor.page.getByText('2 of 3 left').waitFor()
    expectNoFaults(visitor)
    expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 1 }] })
  })

  test('a double click sends one request', async () => {
    const saleId = await system.createSale()
    const { shop, page } = await visit()
    let asked = 0
    page.on('request', (request) => {
      if (request.method() === 'POST' && request.url().endsWith('/reservations')) asked++
    })
    await shop.open(saleId)
    await shop.signIn('Hasty')
    await shop.button('Buy now').dblclick()
    await shop.says('Your order is waiting')
    expect(asked).toBe(1)
  })

  test('a reservation whose answer was lost is found again, also for the last unit', async () => {
    const saleId = await system.createSale({ stock: 1 })
    const { shop, page } = await visit()
    await shop.open(saleId)
    await shop.signIn('Unheard')
    await page.route(
      '**/reservations',
      async (route) => {
        await eventually(
          'the unit to be taken',
          () => route.fetch({ timeout: 0 }).then((answer) => answer.status()),
          (status) => status === 202,
        )
        await route.abort()
      },
      { times: 1 },
    )
    await shop.buy()
    await shop.says('No connection')
    await shop.says('Sold out')
    await shop.button(/^Try again$/).click()
    await shop.says('Your order is waiting')
    expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 1 }] })
  })

  test('the outcome appears in the live region that a screen reader knows', async () => {
    const { shop, page } = await visit()
    await shop.open(await system.createSale())
    await shop.signIn('Listener')
    await shop.button('Buy now').waitFor()
    const told = page.locator('.buying').getByRole('status')
    await told.evaluate((place) => {
      place.dataset.before = 'yes'
    })
    await shop.buyUntilOrdered()
    expect([await told.getAttribute('data-before'), await told.textContent()]).toEqual([
      'yes',
      expect.stringContaining('Your order is waiting'),
    ])
  })

  test('a sale that has not started opens by itself', async () => {
    const visitor = await visit()
    const saleId = await system.createSale({ opensInMs: 3_600_000, closesInMs: 7_200_000 })
    await visitor.shop.open(saleId)
    await visitor.shop.signIn('Early')
    await visitor.shop.says('Not open yet')
    // Brought forward, so that it opens under this visitor's eyes at any speed of the machine.
    await system.controlRoom('PATCH', `/sales/${saleId}`, { opensAt: new Date(Date.now() + 1_000) })
    await visitor.shop.buyUntilOrdered()
    expectNoFaults(visitor)
  })

  test('a cancelled order can be bought again', async () => {
    const { shop } = await visit()
    await shop.order(await system.createSale({ stock: 1 }), 'Doubtful')
    await shop.button('Cancel the order').click()
    await shop.says('You cancelled it. It went back on sale.')
    await shop.button('Buy again').click()
    await shop.buyUntilOrdered()
  })

  test('with the keyboard alone', async () => {
    const { shop, page } = await visit()
    await shop.open(await system.createSale())
    const tabTo = async (target: Locator) => {
      await target.waitFor()
      for (let i = 0; i < 20 && !(await target.evaluate((element) => element === document.activeElement)); i++)
        await page.keyboard.press('Tab')
      expect(await target.evaluate((element) => getComputedStyle(element).outlineStyle)).toBe('solid')
    }
    await tabTo(page.getByLabel('Your name'))
    await page.keyboard.type('Keys')
    await page.keyboard.press('Enter')
    await tabTo(shop.button('Buy now'))
    await page.keyboard.press('Enter')
    await tabTo(shop.button(/^Pay ¥/))
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/pay\//)
  })
})

test('in Chinese, once chosen: the words, the language of the page, and what is said after a reload', async () => {
  const visitor = await visit()
  const { shop, page } = visitor
  await shop.open(await system.createSale({ title: '测试商品' }))
  await shop.says('Who is buying?')
  await page.getByLabel('Language').selectOption('中文')
  await shop.says('请先登录')
  expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN')
  await page.reload()
  await shop.says('请先登录')
  await page.getByLabel('您的名字').fill('小明')
  await page.getByRole('button', { name: '登录' }).click()
  await shop.button('立即抢购').click()
  await shop.says('订单待付款')
  expect(await page.getByRole('main').innerText()).not.toMatch(/[a-z]{4,} [a-z]{3,}/i)
  expectNoFaults(visitor)
})

test('it is accessible in every state, and in light and in dark', async () => {
  const { shop, page } = await visit()
  const expectBothAccessible = async (state: string) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await expectAccessible(page, `${state}, ${colorScheme}`)
    }
  }
  const [open, soon, gone] = [
    await system.createSale(),
    await system.createSale({ opensInMs: 600_000 }),
    await system.createSale({ stock: 1 }),
  ]
  await system.buy(gone, await system.signIn('first'))
  await page.goto(system.url('/#/'))
  await shop.says('On sale')
  await expectBothAccessible('list')
  await shop.open(soon)
  await shop.says('Who is buying?')
  await expectBothAccessible('sign-in')
  await shop.signIn('Ada')
  await shop.says('Not open yet')
  await expectBothAccessible('not started')
  await shop.open(gone)
  await shop.says('Sold out for now')
  await expectBothAccessible('sold out')
  await shop.open(open)
  await page.getByText('Coupon and points').click()
  await expectBothAccessible('open')
  await shop.buyUntilOrdered()
  await expectBothAccessible('to pay')
  await payElsewhere(system, open)
  await shop.says('Paid. It is yours')
  await expectBothAccessible('paid')
})
