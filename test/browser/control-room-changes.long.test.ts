import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Demo } from '../support/demo.ts'
import { expectAccessible } from './support/accessibility.ts'
import { expectNoFaults, LAPTOP, PHONE } from './support/browser.ts'
import { type ControlRoomVisits, startControlRoomVisits } from './support/control-room-visits.ts'

let visits: ControlRoomVisits
let demo: Demo
beforeAll(async () => {
  visits = await startControlRoomVisits()
  demo = visits.demo
})
afterAll(() => visits.close())

test('a sale is stopped, changed and resumed; the second operator is told what the first has changed', async () => {
  const saleId = await demo.createSale({ title: 'Tea pot', stock: 9, perBuyerLimit: 3 })
  const [{ visitor, room, page }, other] = [
    await visits.enter({ viewport: LAPTOP }),
    await visits.enter({ viewport: PHONE }),
  ]
  await page.getByLabel('Your name').fill('安娜')
  await other.page.getByLabel('Your name').fill('Bob')
  const inRow = (from: typeof page) => from.locator(`[data-sale="${saleId}"]`)
  await room.button('Stop: Tea pot').click()
  await room.sale(saleId, 'stopped').waitFor()
  expect(await demo.buy(saleId, await demo.signIn('pot'))).toMatchObject({ body: { code: 'STOPPED' } })
  await other.room.sale(saleId, 'stopped').waitFor()
  for (const one of [page, other.page]) await inRow(one).getByText('Change', { exact: true }).click()
  await inRow(other.page).getByLabel('Stock').fill('12')
  // With the keyboard alone.
  await inRow(page).getByLabel('Limit per buyer').focus()
  await page.keyboard.press('Control+A')
  await page.keyboard.type('2')
  await page.keyboard.press('Enter')
  await inRow(page).locator('[data-field="perBuyerLimit"]').filter({ hasText: '安娜 limit per buyer: 3 → 2' }).waitFor()
  await inRow(other.page).getByRole('button', { name: 'Save' }).click()
  await other.room.text('another operator changed this sale').waitFor()
  await inRow(other.page).getByRole('alert').filter({ hasText: 'another operator' }).waitFor()
  expect(await demo.world.database.sale.findUnique({ where: { id: saleId } })).toMatchObject({ stock: 9 })
  await inRow(other.page).getByRole('button', { name: 'Discard' }).click()
  await inRow(other.page).getByLabel('Stock').fill('12')
  await inRow(other.page).getByRole('button', { name: 'Save' }).click()
  await inRow(other.page).locator('[data-field="stock"]').filter({ hasText: 'Bob stock: 9 → 12' }).waitFor()
  for (const viewer of [page, other.page]) {
    await expectAccessible(viewer, 'the controls of a sale')
    expect(await viewer.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
  }
  await inRow(page).getByText('Change', { exact: true }).click()
  await inRow(page).getByText('Change', { exact: true }).click()
  await inRow(page).getByLabel('Against hoarding').check()
  await inRow(page).getByLabel('Orders that may lapse').fill('3')
  await inRow(page).getByRole('button', { name: 'Save' }).click()
  await inRow(page)
    .locator('[data-field="opening"]')
    .filter({ hasText: '安娜 opening: none → lapses: 3 600' })
    .waitFor()
  await inRow(page).getByLabel('Against hoarding').uncheck()
  await inRow(page).getByRole('button', { name: 'Save' }).click()
  await inRow(page).locator('[data-field="opening"]').filter({ hasText: 'lapses: 3 600 → none' }).waitFor()
  await room.button('Resume: Tea pot').click()
  await room.sale(saleId, 'open').waitFor()
  const token = await demo.signIn('pot')
  expect(await demo.buy(saleId, token, { quantity: 2 })).toMatchObject({ status: 202 })
  expectNoFaults(visitor)
  await inRow(page).getByLabel('Stock').fill('1')
  await inRow(page).getByRole('button', { name: 'Save' }).click()
  await room.text('Units sold or held: 2').waitFor()
  await visitor.close()
  await other.visitor.close()
})

test('buyers are blocked in bulk, and unblocked', async () => {
  const { visitor, room, page } = await visits.enter({ viewport: LAPTOP })
  await page.getByLabel('Buyer ids').fill('bot-1\nbot-2\n bot-3\n')
  await page.getByLabel('Reason').fill('bots')
  await room.button('Block').first().click()
  await room.text('Blocked: 3.').waitFor()
  expect(await demo.world.database.blacklistEntry.count({ where: { reason: 'bots' } })).toBe(3)
  await page.getByLabel('Buyer ids').fill('bot-1\nbot-2\nbot-3')
  await room.button('Unblock').click()
  await room.text('Unblocked: 3.').waitFor()
  expect(await demo.world.database.blacklistEntry.count()).toBe(0)
  expectNoFaults(visitor)
  await visitor.close()
})
