import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../test/support/eventually.ts'
import { loadSale } from '../test/support/load-sale.ts'
import { history, Subscriptions } from '../test/support/subscriptions.ts'
import { subscriber } from './risk.ts'

let subscriptions: Subscriptions
beforeAll(async () => {
  subscriptions = await Subscriptions.open()
  await subscriptions.run(subscriber, { RISK_PAID_PER_MINUTE_MAX: '3', RISK_AMOUNT_CENTS: '5000' })
})
afterAll(() => subscriptions.close())

/** Of an order in a sale of its own, unless another is named. */
const paidBy = (buyerId: string, { at = new Date(), amountCents = 1_000, saleId = `sale-${randomUUID()}` } = {}) =>
  history(['order.created', 'order.paid'], { buyerId, amountCents, saleId, at: at.toISOString() })
const reviewsOf = (buyerId: string) => subscriptions.world.database.riskReview.findMany({ where: { buyerId } })
const isListed = async (buyerId: string) =>
  (await subscriptions.world.database.blacklistEntry.count({ where: { buyerId } })) > 0
const reviewed = (buyerId: string, count: number) =>
  eventually(
    `${count} reviews`,
    () => reviewsOf(buyerId),
    (rows) => rows.length >= count,
  )

test('a buyer who pays in more sales within a minute than the rule allows is put on the blacklist, in the database and in Redis', async () => {
  const sale = {
    saleId: 'sale-one',
    epoch: 1,
    title: 'A sale',
    priceCents: 1,
    total: 5,
    left: 5,
    perBuyerLimit: 1,
    opensAtMs: 0,
    closesAtMs: Date.now() + 60_000,
  }
  await loadSale(subscriptions.world, sale)
  const buyerId = `eager-${randomUUID()}`
  const orders = Array.from({ length: 3 }, () => paidBy(buyerId))
  await subscriptions.publish(...[...orders, ...orders, ...orders].flat())
  expect((await reviewed(buyerId, 3)).map(({ rules }) => rules)).toEqual([[], [], []])
  expect(await isListed(buyerId)).toBe(false)

  await subscriptions.publish(...paidBy(buyerId))
  expect((await reviewed(buyerId, 4)).flatMap(({ rules }) => rules)).toEqual(['TOO_MANY_PAID'])
  expect(await isListed(buyerId)).toBe(true)
  expect(await subscriptions.world.redis.sismember(subscriptions.world.stock.keys.blacklist('sale-one'), buyerId)).toBe(
    1,
  )
})

test('of payments that come in one batch those above the limit are vetoed, and none before them', async () => {
  const buyerId = `hasty-${randomUUID()}`
  const orders = Array.from({ length: 5 }, () => paidBy(buyerId)[1]).flatMap((event) => event ?? [])
  await subscriptions.publishTogether(orders)
  await reviewed(buyerId, 5)
  const broken = new Map((await reviewsOf(buyerId)).map(({ orderId, rules }) => [orderId, rules]))
  const tooMany = ['TOO_MANY_PAID']
  expect(orders.map(({ orderId }) => broken.get(orderId ?? ''))).toEqual([[], [], [], tooMany, tooMany])
})

test('payments of different minutes do not count together, in any order of their events', async () => {
  const buyerId = `patient-${randomUUID()}`
  const secondsAgo = [0, 90, 30, 120, 59, 200]
  await subscriptions.publish(
    ...secondsAgo.flatMap((seconds) => paidBy(buyerId, { at: new Date(Date.now() - seconds * 1_000) })),
  )
  expect((await reviewed(buyerId, 6)).flatMap(({ rules }) => rules)).toEqual([])
  expect(await isListed(buyerId)).toBe(false)
})

test('many orders of one sale, which its limit per buyer permits, count once', async () => {
  const buyerId = `family-${randomUUID()}`
  const orders = Array.from({ length: 6 }, () => paidBy(buyerId, { saleId: 'family-sale' }))
  await subscriptions.publish(...orders.flat(), ...paidBy(buyerId), ...paidBy(buyerId))
  expect((await reviewed(buyerId, 8)).flatMap(({ rules }) => rules)).toEqual([])
  await subscriptions.publish(...paidBy(buyerId))
  expect((await reviewed(buyerId, 9)).flatMap(({ rules }) => rules)).toEqual(['TOO_MANY_PAID'])
})

test('a large order is marked, and its buyer may go on', async () => {
  const buyerId = `rich-${randomUUID()}`
  await subscriptions.publish(...paidBy(buyerId, { amountCents: 5_000 }))
  expect((await reviewed(buyerId, 1)).map(({ rules }) => rules)).toEqual([['LARGE_AMOUNT']])
  expect(await isListed(buyerId)).toBe(false)
})
