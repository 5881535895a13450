import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { formatStories } from '../../cli/format-stories.ts'
import { Choreography } from '../../test/support/choreography.ts'
import { reservation } from '../../test/support/ledger.ts'
import { archiveSale } from '../archive/archive-sale.ts'
import { auditLimits } from '../audit/report.ts'
import { rejectAbandoned } from '../orders/reject-abandoned.ts'
import { cancelForBuyer } from '../orders/transitions.ts'
import { readStories, STORIES_MAX } from './read-stories.ts'

let shop: Choreography
beforeAll(async () => {
  shop = await Choreography.open()
})
afterAll(() => shop.close())

const storiesOf = (id: string) => readStories(shop.world, id, 'CNY')
async function told(id: string): Promise<string[]> {
  const [story] = await storiesOf(id)
  return story?.steps.map(({ service, says }) => `${service}: ${says.en}`) ?? []
}

test('an order with coupon and points is told from its reservation to its refund, by each of its ids', async () => {
  const buyerId = `buyer-${randomUUID()}`
  await shop.givePoints(buyerId, 50)
  const code = await shop.coupon(100)
  const { orderId, reservationId } = await shop.place({ couponCode: code, points: 30 }, { buyerId })
  await shop.settle()
  await shop.pay(orderId)
  await shop.settle()
  await shop.ledger.refund(orderId)
  await shop.settle()

  const steps = (await told(reservationId)).map((step) => step.replace(orderId, 'ORDER').replace(code, 'COUPON'))
  expect(steps.filter((step) => !step.includes('Event'))).toEqual([
    'gateway: Redis set 1 aside; the buyer was answered once the broker had confirmed the message.',
    'order-service: Became order ORDER.',
    'subscribers: Coupon COUPON locked: ¥1.00 less to pay.',
    'subscribers: 30 points deducted.',
    'order-service: The buyer asked where to pay ¥3.70.',
    expect.stringMatching(/^payment-provider: ¥3\.70 arrived, reference .{36}\.$/),
    'order-service: Paid.',
    'subscribers: Coupon COUPON used.',
    'subscribers: 3 points granted.',
    'subscribers: Reviewed for risk: clear.',
    'order-service: Refunded: a subscriber vetoed it after the payment.',
    'order-service: ¥3.70 is to go back.',
    'subscribers: Coupon COUPON given back.',
    'subscribers: 27 points taken back or returned.',
    'subscribers: Its saga has given back what it took.',
  ])
  expect(steps.filter((step) => step.includes('Event'))).toHaveLength(5)
  expect(steps).toContain('subscribers: Event 4 of the order handled by coupon, points, risk.')

  const [story] = await storiesOf(orderId)
  expect(story).toMatchObject({ reservationId, orderId, buyerId })
  expect(await storiesOf(reservationId)).toEqual([story])
  expect(await storiesOf(buyerId)).toEqual([story])
  const times = story?.steps.map(({ at }) => at) ?? []
  expect(times).toEqual(times.toSorted())
})

test('an unpaid order says when it would be cancelled; a cancelled one says why', async () => {
  const { orderId, buyerId } = await shop.place()
  expect((await told(orderId)).at(-1)).toBe('cancel-worker: It will be cancelled then unless it is paid.')
  await cancelForBuyer(shop.world.database, orderId, buyerId)
  expect(await told(orderId)).toContain('order-service: Cancelled: the buyer wished so.')
  const [story] = await storiesOf(orderId)
  expect(story?.steps.map(({ says }) => says.zh)).toContain('已取消：买家取消。')
})

test('a rejected reservation says why', async () => {
  const saleId = await shop.ledger.sale(1)
  const late = { ...reservation(saleId, 1), reservedAtMs: Date.now() - 3_600_000 }
  await rejectAbandoned(shop.world.database, [late])
  expect(await told(late.reservationId)).toContain('order-service: Rejected: it came too late.')
})

test('a buyer with many reservations is told of the newest', async () => {
  const buyerId = `buyer-${randomUUID()}`
  const placed = []
  for (let i = 0; i <= STORIES_MAX; i++) placed.push((await shop.place({}, { buyerId })).orderId)
  expect((await storiesOf(buyerId)).map(({ orderId }) => orderId)).toEqual(placed.slice(1).toReversed())
})

test('an order of an archived sale is told as before', async () => {
  const { database } = shop.world
  const { orderId, saleId, buyerId } = await shop.place()
  await cancelForBuyer(database, orderId, buyerId)
  await shop.settle()
  await database.order.update({ where: { id: orderId }, data: { settledAt: new Date() } })
  await database.$executeRaw`UPDATE sales SET closes_at = now() - interval '2 days' WHERE id = ${saleId}`
  await database.$executeRaw`UPDATE decisions SET reserved_at = now() - interval '49 hours' WHERE sale_id = ${saleId}`
  const before = await storiesOf(orderId)
  expect(await archiveSale({ ...shop.world, limits: auditLimits(120) }, saleId)).toMatchObject({ outcome: 'ARCHIVED' })
  expect(before[0]?.steps.length).toBeGreaterThan(3)
  expect(await storiesOf(orderId)).toEqual(before)
})

test('nothing is told of an id that is not on record', async () => {
  for (const id of [randomUUID(), 'no-such-buyer', 'sale.x', '', '💥.💥']) expect(await storiesOf(id)).toEqual([])
})

test('for the terminal each step has its time, what passed since the first, and whose work it was', async () => {
  const { orderId } = await shop.place()
  const [first, second] = formatStories(await storiesOf(orderId), 'zh')
    .split('\n')
    .slice(1)
  expect(first).toMatch(/^ {2}\d{4}-.*Z +\+0\.000 s +gateway +Redis 预占了 1 件/)
  expect(second).toMatch(/ s +order-service +成为订单 /)
})
