import { readFileSync, existsSync, writeFileSync, mkdirSync } from 'node:fs'
import { afterAll, beforeAll, test } from 'vitest'
import { startSystem, type System } from '../support/system.ts'
import { type Browsers, startBrowser } from './support/browser.ts'
import { call } from '../support/http-client.ts'

let system: System
let browsers: Browsers
const OUT = '/tmp/l2/shots'
const origin = () => `http://127.0.0.1:${system.env.CONTROL_ROOM_PORT}`
beforeAll(async () => {
  mkdirSync(OUT, { recursive: true })
  ;[system, browsers] = await Promise.all([startSystem({}, ['control-room']), startBrowser()])
})
afterAll(async () => {
  await browsers.close()
  await system.close()
})
test('shots', async () => {
  for (const [name, body] of [['break-it', { off: 'status' }], ['why-a-queue', {}]] as const) {
    const file = `${OUT}/${name}.json`
    if (!existsSync(file)) {
      await system.controlRoom('POST', `/labs/${name}`, body)
      for (;;) {
        const { body: seen } = await system.controlRoom('GET', '/labs')
        const run = (seen as any).run
        if (run?.state !== 'RUNNING') { writeFileSync(file, JSON.stringify(seen)); break }
        await new Promise((r) => setTimeout(r, 1000))
      }
    }
    const shown = JSON.parse(readFileSync(file, 'utf8'))
    for (const [locale, colorScheme] of [['en-GB', 'light'], ['zh-CN', 'dark']] as const)
      for (const viewport of [{ width: 1920, height: 1080 }, { width: 360, height: 740 }]) {
        const visitor = await browsers.visit(origin(), { viewport, locale, colorScheme } as any)
        const { page } = visitor
        await page.route('**/labs', (route: any) => route.fulfill({ json: shown }))
        await page.goto(`${origin()}/#token=${system.env.ADMIN_TOKEN}`)
        await page.getByRole('button', { name: locale === 'zh-CN' ? '实验' : 'Labs' }).click()
        await page.locator('.sides').waitFor()
        await page.screenshot({ path: `${OUT}/${name}-${locale}-${colorScheme}-${viewport.width}.png`, fullPage: true })
        await visitor.close()
      }
  }
}, 3_000_000)
