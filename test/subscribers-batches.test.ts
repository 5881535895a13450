import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect } from 'amqplib'
import { execa } from 'execa'
import type { EventBatch, OrderEvent } from '../core/contracts/messages.ts'
import { subscriber as points } from '../subscribers/points.ts'
import { subscriber as risk } from '../subscribers/risk.ts'
import { type Subscriber, TryAgain } from '../subscribers/runtime/subscriber.ts'
import { subscriber as statistics } from '../subscribers/statistics.ts'
import { commandArgs } from './bundles.ts'
import { eventually } from './support/eventually.ts'
import { lengthOf } from './support/queues.ts'
import { history, Subscriptions } from './support/subscriptions.ts'

let subscriptions: Subscriptions
beforeAll(async () => {
  subscriptions = await Subscriptions.open()
})
afterAll(() => subscriptions.close())

const STEPS = ['order.created', 'order.paid', 'order.refunded'] as const
const newOrders = (count: number) => Array.from({ length: count }, () => history([...STEPS]))
const deadLettersOf = (name: string) => lengthOf(subscriptions.world, subscriptions.queues(name).deadLetters)
/** Resolves once as many events were handled, whatever was seen in transactions that did not commit. */
const untilEntered = (purpose: string, count: number) =>
  eventually(
    `${count} events of ${purpose}`,
    () => subscriptions.world.database.inboxEntry.count({ where: { purpose } }),
    (entries) => entries === count,
  )

/** The events of each dead letter, which stay. */
async function lettersOf(name: string): Promise<OrderEvent[][]> {
  const connection = await connect(subscriptions.world.rabbitmqUrl)
  const channel = await connection.createChannel()
  const letters: OrderEvent[][] = []
  for (;;) {
    const message = await channel.get(subscriptions.queues(name).deadLetters)
    if (!message) break
    letters.push((JSON.parse(message.content.toString()) as EventBatch).events)
  }
  await connection.close()
  return letters
}

test.each([{ follows: 'orders' }, { follows: 'events' }] as const)(
  'of a batch with one poisonous event all others are handled by a subscriber of $follows, and it alone becomes a dead letter',
  async ({ follows }) => {
    const broken = new Set<string>()
    const name = `picky-${follows}`
    await subscriptions.run({
      name,
      events: ['order.paid'],
      follows,
      once: 'inbox',
      handleTogether: (_tx, events) =>
        events.some(({ eventId }) => broken.has(eventId)) ? Promise.reject(new Error('a defect')) : Promise.resolve(),
    } satisfies Subscriber)
    const orders = newOrders(60)
    const paid = orders.flatMap((events) => events[1] ?? [])
    const poison = paid.slice(30, 31)
    for (const { eventId } of poison) broken.add(eventId)
    await subscriptions.publishTogether(orders.flatMap((events) => events[0] ?? []))
    await subscriptions.publishTogether(paid)
    await untilEntered(name, follows === 'orders' ? 119 : 59)
    await eventually(
      'the dead letter',
      () => deadLettersOf(name),
      (length) => length === 1,
    )
    expect(await lettersOf(name)).toEqual([poison])

    broken.clear()
    await execa('node', [...commandArgs('dead-letters'), '--of', name, '--send-back', '--all'], {
      env: { RABBITMQ_URL: subscriptions.world.rabbitmqUrl },
    })
    await untilEntered(name, follows === 'orders' ? 120 : 60)
  },
)

test('batches that are delivered again and again, whole and divided, have each effect exactly once', async () => {
  const { database } = subscriptions.world
  for (const subscriber of [points, risk, statistics]) await subscriptions.run(subscriber)
  const orders = Array.from({ length: 50 }, () => history([...STEPS], { saleId: 'again' }))
  const events = orders.flat()
  for (let time = 0; time < 3; time++) {
    await subscriptions.publishTogether(events)
    await subscriptions.publishTogether(events.filter((_, i) => i % (time + 2) === 0))
  }
  await untilEntered('points', 150)
  await untilEntered('risk', 50)
  await untilEntered('statistics', 150)
  for (const name of ['points', 'risk', 'statistics']) {
    await eventually(
      'repeats to have passed',
      async () =>
        (await subscriptions.backlog(name)) + (await lengthOf(subscriptions.world, subscriptions.queues(name).held)),
      (length) => length === 0,
    )
    expect(await deadLettersOf(name)).toBe(0)
  }
  const ofSale = { where: { saleId: 'again' } }
  expect(
    await database.pointsEntry.groupBy({ by: ['step'], _count: true, ...ofSale, orderBy: { step: 'asc' } }),
  ).toEqual([
    { step: 'GRANTED', _count: 50 },
    { step: 'RETURNED', _count: 50 },
  ])
  expect(await database.riskReview.count(ofSale)).toBe(50)
  expect(await database.saleTotal.findUnique(ofSale)).toMatchObject({ created: 50, paid: 50, refunded: 50 })
})

test('of a message that carries more than one transaction is to handle each event has its effect', async () => {
  const sizes: number[] = []
  await subscriptions.run(
    {
      name: 'small',
      events: ['order.created'],
      follows: 'events',
      once: 'inbox',
      handleTogether: (_tx, events) => {
        sizes.push(events.length)
        return Promise.resolve()
      },
    },
    { SUBSCRIBER_BATCH_MAX: '10' },
  )
  await subscriptions.publishTogether(newOrders(55).flatMap((of) => of[0] ?? []))
  await untilEntered('small', 55)
  expect(Math.max(...sizes)).toBe(10)
})

test('an effect with a mark does not happen again when a later one of its batch fails', async () => {
  const sent: string[] = []
  let isAway = true
  await subscriptions.run({
    name: 'marking',
    events: ['order.created'],
    follows: 'events',
    once: { markSeconds: 60 },
    handle: (_db, { eventId }) => {
      if (sent.length === 10 && isAway) {
        isAway = false
        return Promise.reject(new TryAgain('not now'))
      }
      sent.push(eventId)
      return Promise.resolve()
    },
  })
  const events = newOrders(30).flatMap((of) => of[0] ?? [])
  await subscriptions.publishTogether(events)
  await eventually(
    'all',
    () => new Set(sent).size,
    (count) => count === 30,
  )
  expect(sent).toHaveLength(30)
})

test('while processes change, batches of many orders have each effect once, and those of an order in sequence', async () => {
  const seen: OrderEvent[] = []
  const start = () =>
    subscriptions.run({
      name: 'handed-over',
      events: STEPS,
      once: 'inbox',
      handleTogether: (_tx, events) => {
        seen.push(...events)
        return Promise.resolve()
      },
    } satisfies Subscriber)
  let stop = await start()
  const orders = newOrders(300)
  for (const step of STEPS.keys()) {
    const publishing = subscriptions.publishTogether(orders.flatMap((events) => events[step] ?? []))
    const stopNext = await start()
    await stop()
    stop = stopNext
    await publishing
  }
  await untilEntered('handed-over', 900)
  // What a transaction did that did not commit is seen twice.
  for (const [event] of orders) {
    const sequences = seen.filter(({ orderId }) => orderId === event?.orderId).map(({ sequence }) => sequence)
    expect([1, 2, 3].map((one) => sequences.indexOf(one))).toEqual(
      [1, 2, 3].map((one) => sequences.indexOf(one)).toSorted((one, other) => one - other),
    )
  }
  expect(await deadLettersOf('handed-over')).toBe(0)
})

test('a subscriber of events gets none that it does not want, and one of orders with a coupon no other order', async () => {
  const start = (subscriber: Pick<Subscriber, 'name' | 'follows'>) =>
    subscriptions.run({ ...subscriber, events: ['order.paid'], once: 'inbox', handle: () => Promise.resolve() })
  await (await start({ name: 'payments', follows: 'events' }))()
  await (await start({ name: 'coupons', follows: 'coupon-orders' }))()
  const [plain, naming] = [history([...STEPS]), history([...STEPS], { couponCode: 'TEN' })]
  await subscriptions.publish(...plain, ...naming)
  expect(await subscriptions.backlog('payments')).toBe(2)
  expect(await subscriptions.backlog('coupons')).toBe(3)
})
