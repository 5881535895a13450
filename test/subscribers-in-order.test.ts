import { readdirSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { OrderEvent } from '../core/contracts/messages.ts'
import { subscriberQueues } from '../core/contracts/subscriber-topology.ts'
import { findSubscribers } from '../subscribers/runtime/find-subscribers.ts'
import type { Subscriber } from '../subscribers/runtime/subscriber.ts'
import { eventually } from './support/eventually.ts'
import { freePort } from '../dev/servers/ports.ts'
import { lengthOf } from './support/queues.ts'
import { startProcess } from './support/service-process.ts'
import { history, Subscriptions } from './support/subscriptions.ts'

let subscriptions: Subscriptions
beforeAll(async () => {
  subscriptions = await Subscriptions.open()
})
afterAll(() => subscriptions.close())

interface Seen {
  by: string
  event: OrderEvent
}

/** Instances of one subscriber, as if in processes of their own, that write into one list what they handle. */
function instances(name: string) {
  const seen: Seen[] = []
  const start = (by: string, settings = {}) =>
    subscriptions.run(
      {
        name,
        events: ['order.created', 'order.paid', 'order.refunded'],
        once: 'inbox',
        handle: (_tx, event) => {
          seen.push({ by, event })
          return Promise.resolve()
        },
      } satisfies Subscriber,
      settings,
    )
  return { seen, start }
}

const STEPS = ['order.created', 'order.paid', 'order.refunded'] as const
const newOrders = (count: number) => Array.from({ length: count }, () => history([...STEPS]))
/** All first events, then all second ones, and so on: every order is under way at the same time. */
const interleaved = (orders: OrderEvent[][]) =>
  STEPS.flatMap((_, step) => orders.flatMap((events) => events[step] ?? []))
const of = (seen: Seen[], orderId: string | null | undefined) => seen.filter(({ event }) => event.orderId === orderId)

test('the events of one order meet one process, also while others are there', async () => {
  const { seen, start } = instances('single')
  await start('one')
  await start('two')
  await start('three')
  await eventually(
    'two of them to have a partition each',
    async () => {
      const orderIds = await subscriptions.sendToEach('single')
      return await Promise.all(
        orderIds.map(
          async (id) =>
            (
              await eventually(
                'it to be handled',
                () => of(seen, id)[0],
                (one) => one !== undefined,
              )
            )?.by,
        ),
      )
    },
    (owners) => new Set(owners).size === 2,
  )
  const orders = newOrders(60)
  await subscriptions.publish(...interleaved(orders))
  for (const [event] of orders)
    await eventually(
      'all of it',
      () => of(seen, event?.orderId).length,
      (count) => count >= 3,
    )
  for (const [event] of orders) {
    expect(new Set(of(seen, event?.orderId).map(({ by }) => by)).size).toBe(1)
    expect(of(seen, event?.orderId).map(({ event: { sequence } }) => sequence)).toEqual([1, 2, 3])
  }
  expect(await lengthOf(subscriptions.world, subscriptions.queues('single').held)).toBe(0)
})

test('orders are shared out over as many partitions as there are', async () => {
  const { seen, start } = instances('spread')
  await (await start('nobody', { SUBSCRIBER_PARTITIONS: '4' }))()
  await subscriptions.publish(...newOrders(200).flat())
  const { partitions } = subscriberQueues('spread', 4, [])
  const lengths = await Promise.all(partitions.map((queue) => lengthOf(subscriptions.world, queue)))
  expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(600)
  // A fair share is 150; each is of whole orders.
  for (const length of lengths) {
    expect(length).toBeGreaterThan(60)
    expect(length % 3).toBe(0)
  }
  expect(seen).toEqual([])
})

test('the order holds while processes come and go', async () => {
  const { seen, start } = instances('moving')
  let running = [await start('0'), await start('1')]
  const orders = newOrders(150)
  const publishing = subscriptions.publish(...interleaved(orders))
  for (let i = 2; i < 8; i++) {
    running.push(await start(String(i)))
    const [oldest, ...others] = running
    await oldest?.()
    running = others
  }
  await publishing
  await eventually(
    'all',
    () => new Set(seen.map(({ event }) => event.eventId)).size,
    (count) => count === 450,
  )
  for (const [event] of orders) {
    // A transaction that did not commit leaves its trace in this list and is done again: what counts is that none goes
    // ahead.
    const firsts = [1, 2, 3].map((sequence) =>
      of(seen, event?.orderId).findIndex((one) => one.event.sequence === sequence),
    )
    expect(firsts).toEqual(firsts.toSorted((one, other) => one - other))
  }
  expect(await lengthOf(subscriptions.world, subscriptions.queues('moving').parked)).toBe(0)
})

test('a subscriber is added with one file and one process, hears everything from then on, and nothing else is started again', async () => {
  const { seen, start } = instances('resident')
  await start('one')
  const early = history(['order.created'])
  await subscriptions.publish(...early)
  await eventually(
    'the resident',
    () => seen.length,
    (count) => count === 1,
  )

  const port = String(await freePort())
  const newcomer = await startProcess('subscribers', {
    ...subscriptions.env,
    SUBSCRIBERS_PORT: port,
    SUBSCRIBERS_FOLDER: 'test/support/added-subscriber',
  })
  const orders = newOrders(10)
  // The order it was not there for, too: its later events.
  const later = history(['order.created', 'order.cancelled'], {
    orderId: early[0]?.orderId ?? '',
    orderedAt: early[0]?.orderedAt ?? '',
  }).slice(1)
  await subscriptions.publish(...orders.flat(), ...later)
  const heard = (orderId: string | null | undefined) =>
    subscriptions.world.redis.lrange(`${subscriptions.world.keyPrefix}handled:${orderId}`, 0, -1)
  for (const [event] of orders) {
    expect(
      await eventually(
        'its events',
        () => heard(event?.orderId),
        (types) => types.length === 2,
      ),
    ).toEqual(['order.created', 'order.paid'])
  }
  expect(
    await eventually(
      'the older order',
      () => heard(early[0]?.orderId),
      (types) => types.length > 0,
    ),
  ).toEqual(['order.cancelled'])
  const figures = () => fetch(`http://127.0.0.1:${port}/metrics`).then((answer) => answer.text())
  await eventually('its figures', figures, (text) =>
    text.includes('{subscriber="newcomer",outcome="HANDLED",service="subscribers"} 21'),
  )
  expect(await newcomer.terminate()).toBe(0)
  await eventually(
    'the resident',
    () => new Set(seen.map(({ event }) => event.eventId)).size,
    (count) => count === 31,
  )
})

test('a folder with a file that declares no subscriber is refused, and so is an unknown name', async () => {
  const folder = 'subscribers'
  const files = readdirSync(folder).filter((file) => /^(?!main\.)[\w-]+\.ts$/.test(file))
  expect((await findSubscribers(folder)).map(({ name }) => `${name}.ts`).sort()).toEqual(files.sort())
  expect((await findSubscribers(folder, ['sms'])).map(({ name }) => name)).toEqual(['sms'])
  await expect(findSubscribers(folder, [`nobody-${randomUUID()}`])).rejects.toThrow(/SUBSCRIBERS names nobody/)
  await expect(findSubscribers('subscribers/providers')).rejects.toThrow(/expected it to export a subscriber/)
})
