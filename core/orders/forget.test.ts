import { afterAll, beforeAll, expect, test } from 'vitest'
import { subscriber as points } from '../../subscribers/points.ts'
import { subscriber as statistics } from '../../subscribers/statistics.ts'
import { eventually } from '../../test/support/eventually.ts'
import { lengthOf } from '../../test/support/queues.ts'
import { history, PARKING, Subscriptions } from '../../test/support/subscriptions.ts'
import { sweepHandled } from '../../cancel-worker/sweep.ts'

const DAY_MS = 86_400_000
const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString()
const DAYS = 30

let subscriptions: Subscriptions
beforeAll(async () => {
  subscriptions = await Subscriptions.open()
})
afterAll(() => subscriptions.close())

const parked = (name: string) => lengthOf(subscriptions.world, subscriptions.queues(name).parked)

/** Makes everything that was handled until now so old. */
async function age(days: number): Promise<void> {
  const { database } = subscriptions.world
  for (const [table, column] of [
    ['inbox', 'handled_at'],
    ['subscriptions', 'since'],
  ]) {
    await database.$executeRawUnsafe(`UPDATE ${table} SET ${column} = ${column} - ${days} * interval '1 day'`)
  }
}

test('an order is forgotten when its newest event is old, none is handled twice for that, and what comes later is', async () => {
  const { database } = subscriptions.world
  await subscriptions.run(points, PARKING)
  await subscriptions.run(statistics, PARKING)
  const old = history(['order.created', 'order.paid', 'order.refunded'], { orderedAt: daysAgo(40), at: daysAgo(40) })
  const recent = history(['order.created', 'order.paid', 'order.refunded'], { orderedAt: daysAgo(40), at: daysAgo(40) })
  const rejected = history(['reservation.rejected'], { orderId: null, at: daysAgo(40) })
  const [paidOnce, refund] = [
    old.slice(0, 2),
    old.slice(2).map((event) => ({ ...event, at: new Date().toISOString() })),
  ]
  const handled = (count: number) =>
    eventually(
      'them to be handled',
      () => database.inboxEntry.count(),
      (entries) => entries === count,
    )
  await subscriptions.publish(...paidOnce, ...recent.slice(0, 1), ...rejected)
  await handled(7)
  await age(31)
  await subscriptions.publish(...recent.slice(1, 2))
  await handled(9)

  await sweepHandled(subscriptions.world, DAYS)
  const left = await database.inboxEntry.findMany({ select: { orderId: true } })
  expect(left.map(({ orderId }) => orderId)).toEqual(Array<string | null | undefined>(4).fill(recent[0]?.orderId))

  // Whether they had their effect is unknown by now: an operator has to look.
  await subscriptions.publish(...paidOnce, ...rejected)
  await eventually(
    'repeats to be set aside',
    async () => [await parked('points'), await parked('statistics')],
    (lengths) => String(lengths) === '2,3',
  )
  await subscriptions.publish(...recent.slice(0, 2), ...refund, ...recent.slice(2))
  const entries = (orderId: string | null | undefined) =>
    database.pointsEntry.findMany({ where: { orderId: orderId ?? '' }, orderBy: { id: 'asc' } })
  for (const { orderId } of [...old.slice(0, 1), ...recent.slice(0, 1)]) {
    const granted = await eventually(
      'the refund',
      () => entries(orderId),
      (rows) => rows.length === 2,
    )
    expect(granted.map(({ points }) => points)).toEqual([10, -10])
  }
  expect(await parked('points')).toBe(2)
  expect(await database.saleTotal.findFirst()).toMatchObject({ created: 2, paid: 2, rejected: 1 })
})

test('nothing is forgotten before its time, and of processes only those that are gone', async () => {
  const { database } = subscriptions.world
  await database.$executeRaw`INSERT INTO subscriber_processes (id, subscriber, seen_at) VALUES (gen_random_uuid(), 'points', now() - interval '2 hours')`
  const entries = () => database.inboxEntry.findMany()
  const before = await entries()
  expect(before).not.toEqual([])
  await sweepHandled(subscriptions.world, DAYS)
  // Subscribers may still handle what the test above has published.
  expect(await entries()).toEqual(expect.arrayContaining(before))
  expect(await database.subscriberProcess.count()).toBe(2)
})
