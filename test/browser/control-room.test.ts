import { afterAll, beforeAll, expect, test } from 'vitest'
import { CANCELLATIONS, TIMEOUTS, DUE } from '../../core/contracts/timeout-topology.ts'
import { type Demo, startDemo } from '../support/demo.ts'
import { eventually } from '../support/eventually.ts'
import { slowed, stretched } from '../support/patience.ts'
import { lengthOf, publishTo } from '../support/queues.ts'
import { shortOrLong } from '../support/thoroughness.ts'
import { expectAccessible } from './support/accessibility.ts'
import { type Browsers, expectNoFaults, LAPTOP, PHONE, PROJECTOR, startBrowser } from './support/browser.ts'
import { ControlRoomPage } from './support/control-room-page.ts'

let demo: Demo
let browsers: Browsers
const origin = () => `http://127.0.0.1:${demo.env.CONTROL_ROOM_PORT}`

beforeAll(async () => {
  ;[demo, browsers] = await Promise.all([
    startDemo({ ORDERS_PER_SECOND: String(40_000 / slowed(1_000)) }),
    startBrowser(),
  ])
})
afterAll(async () => {
  await browsers.close()
  await demo.close()
})

type Options = Parameters<Browsers['visit']>[1]

/** Opens the page by the link that npm start prints. */
async function enter(options: Options = { viewport: PROJECTOR }) {
  const visitor = await browsers.visit(origin(), options)
  await visitor.page.goto(`${origin()}/#token=${demo.env.ADMIN_TOKEN}`)
  const room = new ControlRoomPage(visitor.page)
  await room.audit('accounted').waitFor()
  return { visitor, room, page: visitor.page }
}

test('a crowd shows as requests, backlog and steady orders, and ends with every unit accounted for', async () => {
  const { visitor, room, page } = await enter()
  const calm = await room.picture('requests')
  await page.getByRole('spinbutton', { name: 'Buyers' }).fill('400')
  await page.getByRole('spinbutton', { name: 'Seconds' }).fill('3')
  await room.button('Send the buyers').click()
  const above = (least: number) => (value: number) => value > least
  await eventually('requests', () => room.figure('requests'), above(0))
  await eventually('a queue', () => room.figure('waiting'), above(0))
  expect(await room.picture('requests')).not.toBe(calm)
  await eventually('orders', () => room.figure('orders'), above(0))
  await page.locator('[data-crowd="DONE"]').waitFor({ timeout: stretched(60_000) })
  await eventually(
    'the sale to be sold out',
    () => room.figure('stock'),
    (value) => value === 0,
  )
  await eventually(
    'every order',
    () => room.figure('fates'),
    (value) => value === 240,
  )
  await room.text('240 of 240 sold').waitFor()
  await eventually(
    'an empty queue',
    () => room.figure('waiting'),
    (value) => value === 0,
  )
  await eventually(
    'the verdict at rest',
    () => room.audit('accounted').count(),
    (count) => count === 1,
    60_000,
  )
  expectNoFaults(visitor)

  // A reloaded page shows the last two minutes, in which a slow machine may have drawn nothing: a few more buyers.
  await page.getByRole('spinbutton', { name: 'Buyers' }).fill('20')
  await room.button('Send the buyers').click()
  await eventually('their requests', () => room.figure('requests'), above(0))
  await eventually(
    'their end',
    () => room.figure('requests'),
    (value) => value === 0,
  )
  await page.reload()
  await room.text(/Done/).waitFor()
  await eventually(
    'the picture',
    () => room.picture('requests'),
    (picture) => picture !== calm,
  )
  expect(page.url()).toBe(`${origin()}/`)
  await visitor.close()
})

test('the order service is killed from the page, shows as down, and is restarted', async () => {
  const { visitor, room } = await enter({ viewport: LAPTOP })
  await room.process('order-service', 'RUNNING').waitFor()
  await room.button('Kill order-service').click()
  await room.page.locator('[data-process="order-service"]:not([data-state="RUNNING"])').waitFor()
  expect(await room.button('Kill order-service').isDisabled()).toBe(true)
  await room.process('order-service', 'RUNNING').waitFor({ timeout: stretched(60_000) })
  await room.text('restarted 1 ×').waitFor()
  await room.button('Restart order-service').click()
  await room.text('restarted 2 ×').waitFor({ timeout: stretched(60_000) })
  expectNoFaults(visitor)
  await visitor.close()
})

test('a dead letter is shown with its reason, and sent back to its queue', async () => {
  const { visitor, room } = await enter({ viewport: LAPTOP })
  await publishTo(demo.world, TIMEOUTS, DUE, 'no order')
  await room.text('Messages that could not be processed: 1').waitFor()
  await room.text(new RegExp(`${CANCELLATIONS}.*unreadable`)).waitFor()
  await demo.stop('cancel-worker')
  await room.button('Send all back').click()
  await room.text('None. Every message was processed.').waitFor()
  expect(await lengthOf(demo.world, CANCELLATIONS)).toBe(1)
  await demo.start('cancel-worker')
  // It comes back, since it still is none; then by its own button.
  await room.button(/^Send back: [0-9a-f]{12}$/).click()
  expectNoFaults(visitor)
  await visitor.close()
})

test('a sale is created, closed and reopened; a second one with its id is refused', async () => {
  const { visitor, room, page } = await enter({ viewport: LAPTOP })
  const fill = async () => {
    await page.getByText('New sale').click()
    await page.getByRole('spinbutton', { name: 'Stock' }).fill('7')
    const age = () => page.locator('.audit .figures').textContent()
    const before = await age()
    await eventually('the next frame, which must not undo the typing', age, (text) => text !== before)
    await page.getByLabel('Title').fill('Tea cup')
    await page.getByLabel('Id', { exact: true }).fill('tea-cup')
    await room.button('Create and open').click()
  }
  await fill()
  await room.sale('tea-cup', 'open').filter({ hasText: '0 of 7 sold' }).waitFor()
  expect((await demo.buy('tea-cup', await demo.signIn('tea'))).status).toBe(202)
  await room.button('Close now: Tea cup').click()
  await room.sale('tea-cup', 'over').waitFor()
  expect(await demo.buy('tea-cup', await demo.signIn('late'))).toMatchObject({ status: 403, body: { code: 'ENDED' } })
  await room.button('Open now: Tea cup').click()
  await room.sale('tea-cup', 'open').waitFor()
  expectNoFaults(visitor)
  await fill()
  await room.text('A sale with this id exists').waitFor()
  await visitor.close()
})

test('a sale is stopped, changed and resumed; the second operator is told what the first has changed', async () => {
  const saleId = await demo.createSale({ title: 'Tea pot', stock: 9, perBuyerLimit: 3 })
  const [{ visitor, room, page }, other] = [await enter({ viewport: LAPTOP }), await enter({ viewport: PHONE })]
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
  const { visitor, room, page } = await enter({ viewport: LAPTOP })
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

test('a wrong token is refused with the reason; the right one signs in, for this tab only', async () => {
  const visitor = await browsers.visit(origin(), { viewport: PHONE })
  const { page } = visitor
  const room = new ControlRoomPage(page)
  expectNoFaults(visitor)
  for (const wrong of ['x'.repeat(43), 'y']) {
    await page.getByLabel('Admin token').fill(wrong)
    await room.button('Open').click()
    await room.text('This is not the token of this control room.').waitFor()
  }
  await page.getByLabel('Admin token').fill(demo.env.ADMIN_TOKEN ?? '')
  await page.keyboard.press('Enter')
  await room.text('Live').waitFor()
  const other = await visitor.tab()
  await other.getByLabel('Admin token').waitFor()
  await visitor.close()
})

test('while the control room is down the page says so, keeps the last figures, and reconnects by itself', async () => {
  const { visitor, room, page } = await enter()
  await demo.stop('control-room')
  await room.audit('lost').waitFor()
  await page.getByRole('status').filter({ hasText: 'No connection' }).waitFor()
  expect(await room.figure('stock')).not.toBeNaN()
  await demo.start('control-room', demo.launcherApi.env)
  await room.text('Live').waitFor()
  await room.audit('lost').waitFor({ state: 'detached' })
  await visitor.close()
})

const EVERYWHERE = [PROJECTOR, PHONE]
test.each([
  ['en-GB', 'light', shortOrLong([PROJECTOR], EVERYWHERE)],
  ['zh-CN', 'dark', shortOrLong([PHONE], EVERYWHERE)],
] as const)('in %s, %s, all of it can be read and used by everybody', async (locale, colorScheme, viewports) => {
  const token = await demo.signIn('followed')
  const followed = (await demo.buyUntilAvailable(await demo.createSale(), token)).body.id as string
  await demo.settled(followed, token)
  for (const viewport of viewports) {
    const { visitor, page } = await enter({ viewport, locale, colorScheme })
    expect(await page.getByRole('heading', { name: locale === 'zh-CN' ? '排队等待' : 'Waiting' }).count()).toBe(1)
    await page.getByRole('group').first().locator('summary').click()
    await page.locator('#story input').fill(followed)
    await page.locator('#story button').click()
    await page.getByText(locale === 'zh-CN' ? '成为订单' : 'Became order').waitFor()
    await expectAccessible(page, `${locale} ${colorScheme} ${String(viewport.width)}`)
    // No horizontal overflow.
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
    expectNoFaults(visitor)
    await visitor.close()
  }
})

test('a crowd is sent and stopped with the keyboard alone', async () => {
  const { visitor, room, page } = await enter({ viewport: LAPTOP })
  await page.getByRole('spinbutton', { name: 'Buyers' }).focus()
  await page.keyboard.press('Control+A')
  await page.keyboard.type('5000')
  await page.keyboard.press('Tab')
  await page.keyboard.type('60')
  await page.keyboard.press('Enter')
  await room.text('Buyers are coming').waitFor()
  await room.button(/^Stop$/).focus()
  await page.keyboard.press('Space')
  await page.locator('[data-crowd="STOPPED"]').waitFor()
  expectNoFaults(visitor)
  await visitor.close()
})
