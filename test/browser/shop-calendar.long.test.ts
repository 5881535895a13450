import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { startSystem, type System } from '../support/system.ts'
import { expectAccessible } from './support/accessibility.ts'
import { type Browsers, expectNoFaults, LAPTOP, startBrowser, type VisitOptions } from './support/browser.ts'
import { ShopPage } from './support/shop-page.ts'

const HOUR_MS = 3_600_000
let system: System
let browsers: Browsers
beforeAll(async () => {
  ;[system, browsers] = await Promise.all([startSystem(), startBrowser()])
})
afterAll(async () => {
  await browsers.close()
  await system.close()
})

async function visit(options: VisitOptions = {}) {
  const visitor = await browsers.visit(system.url(''), options)
  onTestFinished(() => visitor.close())
  return { ...visitor, shop: new ShopPage(visitor.page) }
}

/** Keeps a picture for the person who changes the page. */
async function keep(page: ShopPage['page'], name: string): Promise<void> {
  const folder = process.env.KEEP_SCREENSHOTS
  if (folder !== undefined) await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true })
}

test.each([
  ['en-GB', 'light', 'Pacific/Auckland', ['Now', 'Tomorrow', 'Later']],
  ['zh-CN', 'dark', 'America/Los_Angeles', ['现在', '明天', '更晚']],
] as const)(
  'the list is a calendar in the language and time zone of its visitor: %s, %s',
  async (locale, colorScheme, timezoneId, names) => {
    const { page, ...visitor } = await visit({ locale, colorScheme, timezoneId })
    /** Until noon of the visitor's day after so many. */
    const untilNoon = (days: number) =>
      page.evaluate((ahead) => {
        const now = new Date()
        return new Date(now.getFullYear(), now.getMonth(), now.getDate() + ahead, 12).getTime() - now.getTime()
      }, days)
    const [open, tomorrow, later] = [
      await system.createSale({ title: `Open ${locale}` }),
      await system.createSale({
        title: `Tomorrow ${locale}`,
        opensInMs: await untilNoon(1),
        closesInMs: 100 * HOUR_MS,
      }),
      await system.createSale({ title: `Later ${locale}`, opensInMs: await untilNoon(3), closesInMs: 100 * HOUR_MS }),
    ]
    const dayOf = (saleId: string) => page.locator('section', { has: page.locator(`a[href="#/${saleId}"]`) })
    for (const [saleId, day] of [
      [open, 'NOW'],
      [tomorrow, 'TOMORROW'],
      [later, 'LATER'],
    ] as const) {
      await dayOf(saleId).waitFor()
      expect(await dayOf(saleId).getAttribute('data-day')).toBe(day)
    }
    for (const name of names) await page.getByRole('heading', { name, exact: true }).waitFor()
    // Noon where the visitor is, in any time zone of the server.
    expect(await dayOf(tomorrow).locator(`a[href="#/${tomorrow}"] time`).innerText()).toMatch(/^12:00/)
    await keep(page, `calendar-phone-${locale}`)
    await expectAccessible(page, 'calendar on a laptop')
    await page.setViewportSize(LAPTOP)
    await keep(page, `calendar-laptop-${locale}`)
    await expectAccessible(page, 'calendar on a laptop')
    expectNoFaults({ page, ...visitor })
  },
)

test('what a buyer bought on one device they find and follow on another', async () => {
  const saleId = await system.createSale({ title: 'Bought elsewhere' })
  const first = await visit()
  await first.shop.order(saleId, 'Grace')
  const second = await visit({ colorScheme: 'dark' })
  await second.page.goto(system.url('/#/my/purchases'))
  await second.shop.signIn('Grace')
  const bought = second.page.locator('[data-reservation]', { hasText: 'Bought elsewhere' })
  await bought.getByText('Waiting for payment').waitFor()
  await keep(second.page, 'own-phone-dark')
  await expectAccessible(second.page, 'own purchases')
  await bought.getByRole('link').click()
  await second.shop.says('Your order is waiting')
  await second.shop.button('Cancel the order').click()
  await second.shop.says('Your order was cancelled')

  await second.page.getByRole('link', { name: 'My purchases' }).click()
  await bought.getByText('Cancelled', { exact: true }).waitFor()
  await second.page.setViewportSize(LAPTOP)
  await keep(second.page, 'own-laptop-dark')
  await second.page.getByRole('button', { name: 'Sign out' }).click()
  await second.shop.signIn('Heidi')
  await second.shop.says('You have bought nothing yet.')
  expectNoFaults(second)
})
