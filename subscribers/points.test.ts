import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../test/support/eventually.ts'
import { history, Subscriptions } from '../test/support/subscriptions.ts'
import { subscriber } from './points.ts'

let subscriptions: Subscriptions
beforeAll(async () => {
  subscriptions = await Subscriptions.open()
  await subscriptions.run(subscriber)
})
afterAll(() => subscriptions.close())

const pointsOf = async (orderId: string | null | undefined) =>
  (
    await subscriptions.world.database.pointsEntry.findMany({
      where: { orderId: orderId ?? '' },
      orderBy: { id: 'asc' },
    })
  ).map(({ points }) => points)

test('a payment brings a point for every full unit of money, and its refund takes them back', async () => {
  const events = history(['order.created', 'order.paid', 'order.refunded'], { amountCents: 1_999 })
  await subscriptions.publish(...events)
  expect(
    await eventually(
      'both entries',
      () => pointsOf(events[0]?.orderId),
      (points) => points.length === 2,
    ),
  ).toEqual([19, -19])
})

test('every event delivered three times, in any order, has its effect once', async () => {
  const orders = Array.from({ length: 20 }, () => history(['order.created', 'order.paid', 'order.refunded']))
  const deliveries = [...orders, ...orders, ...orders].flatMap((events, i) => (i % 2 ? events : events.toReversed()))
  await subscriptions.publish(...deliveries)
  for (const [event] of orders) {
    expect(
      await eventually(
        'both entries',
        () => pointsOf(event?.orderId),
        (points) => points.length >= 2,
      ),
    ).toEqual([10, -10])
  }
  // What is behind them has passed, too: nothing comes after.
  const last = history(['order.created', 'order.paid'])
  await subscriptions.publish(...last)
  await eventually(
    'the last',
    () => pointsOf(last[0]?.orderId),
    (points) => points.length === 1,
  )
  expect(
    await subscriptions.world.database.pointsEntry.count({
      where: { orderId: { in: orders.map(([event]) => event?.orderId ?? '') } },
    }),
  ).toBe(40)
})
