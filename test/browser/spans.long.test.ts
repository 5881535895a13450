import { afterAll, beforeAll, expect, test } from 'vitest'
import { traceIdOf } from '../../core/contracts/trace-context.ts'
import { Closers } from '../../core/platform/process/closers.ts'
import { createLog } from '../../core/platform/process/log.ts'
import { startTracing } from '../../core/platform/tracing/start-tracing.ts'
import { type Demo, startDemo } from '../support/demo.ts'
import { eventually } from '../support/eventually.ts'
import { startTraceStore } from '../support/trace-store.ts'
import { expectAccessible } from './support/accessibility.ts'
import { type Browsers, expectNoFaults, PHONE, PROJECTOR, startBrowser } from './support/browser.ts'
import { ControlRoomPage } from './support/control-room-page.ts'

const log = createLog('test', 'silent')
const closers = new Closers(log)
let store: Awaited<ReturnType<typeof startTraceStore>>
let demo: Demo
let browsers: Browsers
beforeAll(async () => {
  store = await startTraceStore()
  const tracing = { OTEL_EXPORTER_OTLP_ENDPOINT: store.url, TRACE_SLOW_MS: 3_600_000 }
  // The order service and the subscribers, which are processes, trace themselves.
  await startTracing('gateway', { ...tracing, TRACE_SAMPLE_RATE: 1 }, log, closers)
  const settings = { OTEL_EXPORTER_OTLP_ENDPOINT: store.url, TRACE_SAMPLE_RATE: '1', TRACE_STORE_URL: store.url }
  ;[demo, browsers] = await Promise.all([startDemo(settings, ['order-service', 'subscribers']), startBrowser()])
})
afterAll(async () => {
  await browsers.close()
  await demo.close()
  await closers.closeAll()
  store.close()
})

test.each([
  ['en-GB', 'light', PROJECTOR, ['Trace', 'spans']],
  ['zh-CN', 'dark', PHONE, ['追踪', 'span']],
] as const)(
  'in %s the spans of all services stand below the facts of an order',
  async (locale, colorScheme, viewport, words) => {
    const token = await demo.signIn('traced')
    const id = String((await demo.buyUntilAvailable(await demo.createSale(), token)).body.id)
    await demo.settled(id, token)
    const effect = 'process order.created by statistics'
    await eventually(
      'the last spans',
      () => store.spans.filter(({ traceId }) => traceId === traceIdOf(id)),
      (spans) => spans.some(({ name }) => name === effect) && spans.some(({ name }) => name === 'send order.created'),
    )

    const origin = `http://127.0.0.1:${demo.env.CONTROL_ROOM_PORT}`
    const visitor = await browsers.visit(origin, { viewport, locale, colorScheme })
    const { page } = visitor
    await page.goto(`${origin}/#token=${demo.env.ADMIN_TOKEN}`)
    await new ControlRoomPage(page).audit('accounted').waitFor()
    await page.locator('#story input').fill(id)
    await page.locator('#story button').click()
    const summary = page.locator('#story summary')
    for (const text of [traceIdOf(id), ...words]) await summary.filter({ hasText: text }).waitFor()
    const spans = await page.locator('#story .spans li').allInnerTexts()
    const [first = ''] = spans
    expect(first).toMatch(/^−\d+ ms\s+gateway\s+POST \/sales\/:saleId\/reservations\s+\d+\.\d ms$/)
    const placeOf = (service: string, name: string) =>
      spans.findIndex((text) => text.includes(service) && text.includes(name))
    expect(placeOf('order-service', 'process seckill.intake')).toBeGreaterThan(0)
    // Under its event, which comes later than all that the gateway did.
    expect(placeOf('subscribers', effect)).toBeGreaterThan(placeOf('order-service', 'send order.created'))
    await expectAccessible(page, `spans in ${locale}`)
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
    const covered = await page.locator('#story .spans li').evaluateAll((lines) =>
      lines.flatMap((line) => {
        line.scrollIntoView({ block: 'center' })
        const { left, top, width, height } = line.getBoundingClientRect()
        const seen = document.elementFromPoint(left + width / 2, top + height / 2)
        return line.contains(seen) ? [] : [`${line.textContent} is covered by ${seen?.className}`]
      }),
    )
    expect(covered).toEqual([])
    expectNoFaults(visitor)
    await visitor.close()
  },
)
