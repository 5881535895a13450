import { expect, onTestFinished, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { startSystem } from '../support/system.ts'
import { shortOrLong } from '../support/thoroughness.ts'
import { expectAccessible } from './support/accessibility.ts'
import { expectNoFaults, LAPTOP, PHONE, startBrowser } from './support/browser.ts'
import { ControlRoomPage } from './support/control-room-page.ts'

const ENGLISH = ['en-GB', 'light', LAPTOP, 'Expected crowd', /^Check “Ready\?/, 'Queues'] as const
const CHINESE = ['zh-CN', 'dark', PHONE, '预计买家人数', /^检查“Ready\?/, '队列'] as const

test.each(shortOrLong([CHINESE], [ENGLISH, CHINESE]))(
  'the button says whether the sale is ready, and else what to mend: %s, %s',
  async (locale, colorScheme, viewport, field, button, queues) => {
    const [system, browsers] = await Promise.all([startSystem(), startBrowser()])
    onTestFinished(async () => {
      await browsers.close()
      await system.close()
    })
    await system.stop('control-room')
    const at = (port: string | undefined) => `http://127.0.0.1:${port}`
    const urls = `gateway=${at(system.env.GATEWAY_PORT)},order-service=${at(system.env.ORDER_SERVICE_PORT)}`
    await system.start('control-room', { READINESS_URLS: urls })
    await system.createSale({ title: 'Ready?', stock: 100 })
    const visitor = await browsers.visit(at(system.env.CONTROL_ROOM_PORT), { locale, colorScheme, viewport })
    const { page } = visitor
    await page.goto(`${at(system.env.CONTROL_ROOM_PORT)}/#token=${system.env.ADMIN_TOKEN}`)
    const room = new ControlRoomPage(page)
    // A busy machine leaves a service unanswered now and then.
    await eventually(
      'it to be ready',
      async () => {
        await room.button(button).click()
        return page.locator('[data-ready]').getAttribute('data-ready')
      },
      (isReady) => isReady === 'true',
    )
    await page.getByLabel(field).fill('10000000')
    await room.button(button).click()
    await page.locator('[data-ready="false"]').waitFor()
    await page.locator('[data-code="TOO_FEW_CONNECTIONS"]').waitFor()
    expect(await page.locator('#ready').innerText()).not.toContain(queues)
    const folder = process.env.KEEP_SCREENSHOTS
    if (folder !== undefined) await page.locator('#ready').screenshot({ path: `${folder}/ready-${locale}.png` })
    await expectAccessible(page, 'not ready')
    expectNoFaults(visitor)
  },
)
