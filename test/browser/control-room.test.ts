import { afterAll, beforeAll, expect, test } from 'vitest'
import { CANCELLATIONS, TIMEOUTS, DUE } from '../../core/contracts/timeout-topology.ts'
import type { Demo } from '../support/demo.ts'
import { eventually } from '../support/eventually.ts'
import { stretched } from '../support/patience.ts'
import { lengthOf, publishTo } from '../support/queues.ts'
import { shortOrLong } from '../support/thoroughness.ts'
import { expectAccessible } from './support/accessibility.ts'
import { expectNoFaults, LAPTOP, PHONE, PROJECTOR } from './support/browser.ts'
import { ControlRoomPage } from './support/control-room-page.ts'
import { type ControlRoomVisits, startControlRoomVisits } from './support/control-room-visits.ts'

let visits: ControlRoomVisits
let demo: Demo
beforeAll(async () => {
  visits = await startControlRoomVisits()
  demo = visits.demo
})
afterAll(() => visits.close())

test('a crowd shows as requests, backlog and steady orders, and ends with every unit accounted for', async () => {
  const { visitor, room, page } = await visits.enter()
  const calm = await room.picture('requests')
  await page.getByRole('spinbutton', { name: 'Buyers' }).fill('400')
  await page.getByRole('spinbutton', { name: 'Seconds' }).fill('3')
  await room.button('Send the buyers').click()
  const above = (least: number) => (value: number) => value > least
  const drawn = () =>
    eventually(
      'the picture of the requests',
      () => room.picture('requests'),
      (picture) => picture !== calm,
    )
  await drawn()
  await eventually('a queue', () => room.figure('waiting'), above(0))
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

  // A reloaded page shows the last two minutes, in which a slow machine may have drawn nothing; some buyers in a few
  // seconds may come and go between two looks of a slow browser.
  await page.getByRole('spinbutton', { name: 'Buyers' }).fill('600')
  await page.getByRole('spinbutton', { name: 'Seconds' }).fill('60')
  await room.button('Send the buyers').click()
  await eventually('their requests', () => room.figure('requests'), above(0))
  await page.reload()
  await room.text('Buyers are coming').waitFor()
  await drawn()
  await room.button(/^Stop$/).click()
  await page.locator('[data-crowd="STOPPED"]').waitFor()
  expect(page.url()).toBe(`${visits.origin}/`)
  await visitor.close()
})

test('the order service is killed from the page, shows as down, and is restarted', async () => {
  const { visitor, room } = await visits.enter({ viewport: LAPTOP })
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
  const { visitor, room } = await visits.enter({ viewport: LAPTOP })
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
  const { visitor, room, page } = await visits.enter({ viewport: LAPTOP })
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

test('a wrong token is refused with the reason; the right one signs in, for this tab only', async () => {
  const visitor = await visits.browsers.visit(visits.origin, { viewport: PHONE })
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
  const { visitor, room, page } = await visits.enter()
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
    const { visitor, page } = await visits.enter({ viewport, locale, colorScheme })
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
  const { visitor, room, page } = await visits.enter({ viewport: LAPTOP })
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
