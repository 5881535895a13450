import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createTokens } from '../../core/platform/http/tokens.ts'
import { numberOf } from '../../core/waiting-room/order.ts'
import { eventually } from '../support/eventually.ts'
import { call } from '../support/http-client.ts'
import type { System } from '../support/system.ts'
import { expectAccessible } from './support/accessibility.ts'
import { expectNoFaults, type Visitor } from './support/browser.ts'
import { type ShopVisits, startShopVisits } from './support/shop-visits.ts'

let visits: ShopVisits
let system: System
beforeAll(async () => {
  visits = await startShopVisits({})
  system = visits.system
})
afterEach(() => visits.leave())
afterAll(() => visits.close())

/** Without a purchase the line stands still until the test lets it move. */
const opening = (outstandingMax: number) => ({
  waitingRoom: { perSecond: 50, outstandingMax, absentSeconds: 3_600 },
})
const change = (saleId: string, body: object) => system.controlRoom('PATCH', `/sales/${saleId}`, body)
const join = (saleId: string, buyerId: string) =>
  call('POST', system.url(`/sales/${saleId}/place`), {
    token: createTokens(system.env.TOKEN_SECRET ?? '').sign(buyerId),
  })
/** The id that the demo's sign-in gives a name. */
const idOf = async (name: string) =>
  String((await call('POST', system.url('/sessions'), { body: { name } })).body.userId)

/** Ids of so many people who will stand in front of that buyer. */
async function peopleBefore(saleId: string, buyerId: string, count: number): Promise<string[]> {
  const { openingSeed } = await system.world.database.sale.findUniqueOrThrow({ where: { id: saleId } })
  const number = numberOf(openingSeed, buyerId)
  const candidates = Array.from({ length: 2_000 }, (_, i) => `person ${i}`)
  return candidates.filter((each) => numberOf(openingSeed, each) < number).slice(0, count)
}

async function keep({ page }: Visitor, name: string): Promise<void> {
  const folder = process.env.KEEP_SCREENSHOTS
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    await expectAccessible(page, `${name}, ${colorScheme}`)
    if (folder !== undefined) await page.screenshot({ path: `${folder}/${name}-${colorScheme}.png`, fullPage: true })
  }
}

test('from registration to purchase with the keyboard, over a reload, and read out', async () => {
  const saleId = await system.createSale({ opening: opening(1), opensInMs: 3_600_000, closesInMs: 7_200_000 })
  const visitor = await visits.visit()
  const { shop, page } = visitor
  await shop.open(saleId)
  await shop.signIn('Patient')
  await shop.says('This sale has a waiting room')
  await keep(visitor, 'waiting-room')
  await shop.button('Register for the opening').focus()
  await page.keyboard.press('Enter')
  await shop.says('You are registered')
  const before = await peopleBefore(saleId, await idOf('Patient'), 14)
  expect(before.length).toBe(14)
  for (const person of before) expect((await join(saleId, person)).body.state).toBe('REGISTERED')
  const told = page.locator('.waiting').getByRole('status')
  await page.getByText('People registered: 15.').waitFor()
  await keep(visitor, 'registered')

  await change(saleId, { opensAt: new Date().toISOString() })
  await shop.says('You are in line')
  // One of them is admitted, and does not buy.
  await eventually(
    'what is read out',
    () => told.textContent(),
    (text) => text === 'You are in line About 20 people ahead of you.',
  )
  await page.getByText('13', { exact: true }).waitFor()
  await page.getByText(/^Your number: [0-9a-f]{13}$/).waitFor()
  await keep(visitor, 'in-line')
  await page.reload()
  await page.getByText('13', { exact: true }).waitFor()

  await told.evaluate((element) => {
    element.dataset.before = 'yes'
  })
  await change(saleId, { opening: opening(1_000) })
  await shop.says('It is your turn')
  expect(await told.getAttribute('data-before')).toBe('yes')
  expect(await told.textContent()).toContain('It is your turn')
  await keep(visitor, 'admitted')
  await shop.buyUntilOrdered()
  await page.reload()
  await shop.says('Your order is waiting')
  expectNoFaults(visitor)
})

test('in Chinese, and after the line was lost: the page says so, and the buyer stands in the new one', async () => {
  const saleId = await system.createSale({ title: '测试商品', opening: opening(1) })
  const visitor = await visits.visit()
  const { shop, page } = visitor
  await join(saleId, 'first')
  await shop.open(saleId)
  await shop.signIn('Patient')
  await page.getByLabel('Language').selectOption('中文')
  await page.getByRole('button', { name: '开始排队' }).click()
  await shop.says('您正在排队')
  expect(await page.getByRole('main').innerText()).not.toMatch(/[a-z]{4,} [a-z]{3,}/i)
  const { room, line, seen } = system.world.stock.keys
  await system.world.redis.del(room(saleId), line(saleId), seen(saleId))
  await shop.says('队伍已重新开始')
  await keep(visitor, 'restarted-zh')
  await change(saleId, { opening: {} })
  await page.getByRole('button', { name: '立即抢购' }).waitFor()
})

test('who is admitted and does not buy in time is told so, and can join again', async () => {
  const saleId = await system.createSale({ opening: { waitingRoom: { admissionSeconds: 10 } } })
  const visitor = await visits.visit()
  const { shop } = visitor
  await shop.open(saleId)
  await shop.signIn('Slow')
  await shop.button('Join the line').click()
  await shop.says('It is your turn')
  await shop.says('Your turn has passed')
  await keep(visitor, 'passed')
  await shop.button('Join the line again').click()
  await shop.says('It is your turn')
  await shop.buyUntilOrdered()
  expectNoFaults(visitor)
})

test('a draw: who registers and leaves comes back to see whether they were drawn, and may buy when they are', async () => {
  const sale = { stock: 1, opening: { draw: { admissionSeconds: 3_600 } } }
  const saleId = await system.createSale({ ...sale, opensInMs: 3_600_000, closesInMs: 7_200_000 })
  const visitor = await visits.visit()
  const { shop, page } = visitor
  await shop.open(saleId)
  await shop.signIn('Hopeful')
  await shop.says('This sale is a draw')
  await shop.button('Register for the draw').click()
  await shop.says('You take part in the draw')
  await keep(visitor, 'draw-registered')
  const [first = ''] = await peopleBefore(saleId, await idOf('Hopeful'), 1)
  await join(saleId, first)
  await page.goto('about:blank')
  await change(saleId, { opensAt: new Date().toISOString() })
  await eventually(
    'the other one to be drawn',
    () => join(saleId, first),
    ({ body }) => body.state === 'ADMITTED',
  )
  await page.goto(system.url(`/#/${saleId}`))
  await shop.says('You are not drawn so far')
  await keep(visitor, 'draw-waiting')
  const { admitted, outstanding } = system.world.stock.keys
  for (const key of [admitted, outstanding]) await system.world.redis.zadd(key(saleId), 1, first)
  await shop.says('You are drawn')
  await shop.buyUntilOrdered()
  expectNoFaults(visitor)
})
