import type { Page } from 'playwright-core'
import { afterAll, beforeAll, test } from 'vitest'
import { type Demo, startDemo } from '../../support/demo.ts'
import { eventually } from '../../support/eventually.ts'
import { type Browsers, PROJECTOR, startBrowser } from '../support/browser.ts'
import { ControlRoomPage } from '../support/control-room-page.ts'
import { shoot } from '../support/shoot.ts'

let demo: Demo
let browsers: Browsers
beforeAll(async () => {
  demo = await startDemo({ ORDERS_PER_SECOND: '200', BUYER_RATE_PER_SECOND: '5', BUYER_BURST: '10' }, [
    'payment-provider',
    'subscribers',
    'cancel-worker',
    'order-service',
    'gateway',
  ])
  browsers = await startBrowser()
})
afterAll(async () => {
  await browsers.close()
  await demo.close()
})

async function enter(options: Parameters<Browsers['visit']>[1]): Promise<{ room: ControlRoomPage; page: Page }> {
  const origin = `http://127.0.0.1:${demo.env.CONTROL_ROOM_PORT}`
  const { page } = await browsers.visit(origin, options)
  await page.goto(`${origin}/#token=${demo.env.ADMIN_TOKEN}`)
  const room = new ControlRoomPage(page)
  await room.audit('accounted').waitFor()
  return { room, page }
}

test('a crowd in full swing, and its drain', async () => {
  const zh = await enter({ viewport: PROJECTOR, locale: 'zh-CN', colorScheme: 'dark' })
  const { room, page } = await enter({ viewport: PROJECTOR, locale: 'en-GB', colorScheme: 'light' })
  // Some calm before it, so that the peak has a beginning.
  await eventually(
    'some calm',
    () => page.locator('.audit .figures').textContent(),
    (text) => /[4-9] s ago/.test(text ?? ''),
  )
  await page.getByRole('spinbutton', { name: 'Buyers' }).fill('4000')
  await page.getByRole('spinbutton', { name: 'Seconds' }).fill('10')
  await room.button('Send the buyers').click()
  await eventually(
    'units to sell',
    () => room.figure('stock'),
    (value) => value > 0,
  )
  await eventually(
    'the last of them',
    () => room.figure('stock'),
    (value) => value === 0,
    60_000,
  )
  await shoot(page, 'control-room-rush-projector-en-light')
  await eventually(
    'the end of the peak',
    () => room.figure('requests'),
    (value) => value === 0,
    60_000,
  )
  await eventually(
    'the end of the queue',
    () => room.figure('waiting'),
    (value) => value === 0,
    60_000,
  )
  await shoot(page, 'control-room-drained-projector-en-light')
  await shoot(zh.page, 'control-room-drained-projector-zh-dark')
})
