import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LabsView } from '../../core/contracts/labs.ts'
import { stretched } from '../support/patience.ts'
import { startSystem, type System } from '../support/system.ts'
import { expectAccessible } from './support/accessibility.ts'
import { type Browsers, expectNoFaults, LAPTOP, PHONE, PROJECTOR, startBrowser } from './support/browser.ts'

let system: System
let browsers: Browsers
const origin = () => `http://127.0.0.1:${system.env.CONTROL_ROOM_PORT}`

beforeAll(async () => {
  ;[system, browsers] = await Promise.all([startSystem({}, ['control-room']), startBrowser()])
})
afterAll(async () => {
  await browsers.close()
  await system.close()
})

/** On servers of its own, which start first. */
const LAB_TAKES_MS = 180_000

test('a lab is chosen, predicted and run from the page, with both verdicts, the prediction and what came', async () => {
  const visitor = await browsers.visit(origin(), { viewport: LAPTOP })
  const { page } = visitor
  await page.goto(`${origin()}/#token=${system.env.ADMIN_TOKEN}`)
  await page.getByRole('button', { name: 'Labs' }).click()
  await page.getByRole('combobox', { name: 'Lab' }).selectOption('peak-shaving')
  await page.getByRole('spinbutton', { name: /^Predict/ }).fill('26')
  await page.getByRole('button', { name: 'Run the lab' }).click()
  await page.locator('[data-lab="RUNNING"]').waitFor()
  await page.locator('[data-side="no-queue"].breaks').waitFor({ timeout: stretched(LAB_TAKES_MS) })
  await page.locator('[data-lab="DONE"]').waitFor({ timeout: stretched(LAB_TAKES_MS) })
  await page.locator('[data-side="queue"].holds').waitFor()
  await page.getByText(/You predicted: 26 · It came to: \d+/).waitFor()
  expect(await page.locator('.pictures figure').count()).toBe(2)
  expectNoFaults(visitor)
  await visitor.close()
})

const words = (en: string, zh: string) => ({ en, zh })
const name = words('an order is cancelled in any status', '不管订单什么状态都取消')
const shown: LabsView = {
  available: true,
  labs: [
    {
      name: 'break-it',
      title: words('Break it', '弄坏它'),
      question: words('Which protection does what?', '每项保护各管什么？'),
      ask: words('When does a buyer lose their order?', '买家什么时候会丢掉订单？'),
      choices: { none: words('no fault', '没有故障'), gone: words('broker goes away', '消息队列断开') },
      switches: [{ off: 'status', name }],
    },
  ],
  run: {
    lab: 'break-it',
    state: 'DONE',
    sides: [
      {
        id: 'status',
        name,
        expected: 'BREAKS',
        diff: ['core/orders/transitions.ts', "- AND status = 'PENDING_PAYMENT' AND", '+ AND'],
        entries: 12,
        latest: '',
        verdict: {
          holds: false,
          says: words('the line "every history legal" is red', '“every history legal”一行变红'),
          lines: [`audit: 1 order both paid and cancelled: ${'x'.repeat(150)}`],
        },
      },
      {
        id: 'all-on',
        name: words('every rule in place', '所有规则都在'),
        expected: 'HOLDS',
        diff: [],
        entries: 12,
        latest: '',
        verdict: { holds: true, says: words('every line is green', '每一行都是绿的'), lines: [] },
      },
    ],
    result: {
      asPromised: true,
      answer: words('broker goes away', '消息队列断开'),
      table: { columns: [words('no fault', '没有故障')], rows: [{ name, values: [3] }] },
      panels: [
        { title: words('Findings', '问题'), bars: [{ name, value: 3, isBad: true }] },
        {
          title: words('Orders', '订单'),
          x: words('seconds', '秒'),
          y: words('orders', '笔'),
          lines: [
            {
              name: words('came', '到来'),
              points: [
                [0, 0],
                [1, 5],
              ],
            },
          ],
        },
      ],
    },
  },
}

test.each([
  ['en-GB', 'light'],
  ['zh-CN', 'dark'],
] as const)('in %s, %s, before, after and the removed line are accessible', async (locale, colorScheme) => {
  for (const viewport of [PROJECTOR, PHONE]) {
    const visitor = await browsers.visit(origin(), { viewport, locale, colorScheme })
    const { page } = visitor
    await page.route('**/labs', (route) => route.fulfill({ json: shown }))
    await page.goto(`${origin()}/#token=${system.env.ADMIN_TOKEN}`)
    await page.getByRole('button', { name: locale === 'zh-CN' ? '实验' : 'Labs' }).click()
    await page.locator('.diff .removed').filter({ hasText: 'PENDING_PAYMENT' }).waitFor()
    await page.getByText(locale === 'zh-CN' ? '没有保护' : 'Without the protection').waitFor()
    await expectAccessible(page, `labs ${locale} ${colorScheme} ${String(viewport.width)}`)
    // No horizontal overflow.
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
    expectNoFaults(visitor)
    await visitor.close()
  }
})
