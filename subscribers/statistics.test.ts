import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../test/support/eventually.ts'
import { history, Subscriptions } from '../test/support/subscriptions.ts'
import { subscriber } from './statistics.ts'

let subscriptions: Subscriptions
beforeAll(async () => {
  subscriptions = await Subscriptions.open()
  await subscriptions.run(subscriber)
})
afterAll(() => subscriptions.close())

const FIRST_SECOND = '2026-03-01T10:00:00.000Z'
const SECOND_SECOND = '2026-03-01T10:00:01.500Z'

test('every second of a sale, and the sale, add up to its events, however often these come', async () => {
  const { database } = subscriptions.world
  const saleId = 'the-sale'
  const paid = Array.from({ length: 30 }, () =>
    history(['order.created', 'order.paid'], { saleId, at: FIRST_SECOND }),
  ).flat()
  const refunded = history(['order.created', 'order.paid', 'order.refunded'], { saleId, at: SECOND_SECOND })
  const cancelled = history(['order.created', 'order.cancelled'], { saleId, at: SECOND_SECOND })
  const rejected = history(['reservation.rejected'], { saleId, orderId: null, at: SECOND_SECOND, amountCents: 0 })
  const other = history(['order.created'], { saleId: 'another-sale', at: FIRST_SECOND })
  const all = [...paid, ...refunded, ...cancelled, ...rejected, ...other]
  await subscriptions.publish(...all, ...all, ...all)

  const total = { created: 32, paid: 31, cancelled: 1, refunded: 1, rejected: 1, revenueCents: 30_000n }
  await eventually(
    'the whole sale',
    () => database.saleTotal.findUnique({ where: { saleId } }),
    (row) =>
      row !== null &&
      row.created >= total.created &&
      row.paid >= total.paid &&
      row.refunded >= 1 &&
      row.cancelled >= 1 &&
      row.rejected >= 1,
  )
  await eventually(
    'all repeats to have passed',
    () => subscriptions.backlog('statistics'),
    (length) => length === 0,
  )
  expect(await database.saleTotal.findUnique({ where: { saleId } })).toEqual({ saleId, ...total })
  expect(await database.saleSecond.findMany({ where: { saleId }, orderBy: { second: 'asc' } })).toEqual([
    {
      saleId,
      second: new Date('2026-03-01T10:00:00Z'),
      created: 30,
      paid: 30,
      cancelled: 0,
      refunded: 0,
      rejected: 0,
      revenueCents: 30_000n,
    },
    {
      saleId,
      second: new Date('2026-03-01T10:00:01Z'),
      created: 2,
      paid: 1,
      cancelled: 1,
      refunded: 1,
      rejected: 1,
      revenueCents: 0n,
    },
  ])
  expect(await database.saleTotal.findUnique({ where: { saleId: 'another-sale' } })).toMatchObject({
    created: 1,
    paid: 0,
  })
})
