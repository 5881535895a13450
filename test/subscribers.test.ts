import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect } from 'amqplib'
import { execa } from 'execa'
import type { OrderEvent } from '../core/contracts/messages.ts'
import { dropDeadLetters, listDeadLetters } from '../core/dead-letters/queue.ts'
import { partitionKeyOf } from '../core/orders/event-messages.ts'
import { createLog } from '../core/platform/process/log.ts'
import { type Subscriber, TryAgain } from '../subscribers/runtime/subscriber.ts'
import { commandArgs } from './bundles.ts'
import { eventually } from './support/eventually.ts'
import { lengthOf } from './support/queues.ts'
import { history, PARKING, Subscriptions } from './support/subscriptions.ts'

let subscriptions: Subscriptions
beforeAll(async () => {
  subscriptions = await Subscriptions.open()
})
afterAll(() => subscriptions.close())

type Effect = (event: OrderEvent) => Promise<void> | void

/** A subscriber of its own for each test; `seen` is what it has handled, in that order. */
function recorder(name: string, effect: Effect = () => {}, seen: OrderEvent[] = []) {
  const subscriber: Subscriber = {
    name,
    events: ['order.created', 'order.paid', 'order.refunded'],
    once: 'inbox',
    async handle(_tx, event) {
      await effect(event)
      seen.push(event)
    },
  }
  return { subscriber, seen }
}

const FULL = ['order.created', 'order.paid', 'order.refunded'] as const
const sequencesOf = (seen: OrderEvent[], orderId: string | null | undefined) =>
  seen.filter((event) => event.orderId === orderId).map(({ sequence }) => sequence)
const sendBack = (name: string, ...args: string[]) =>
  execa('node', [...commandArgs('dead-letters'), '--of', name, ...args, '--send-back', '--all'], {
    env: { RABBITMQ_URL: subscriptions.world.rabbitmqUrl },
  })
const world = (method: 'PUT' | 'DELETE', queue: string, body?: object) =>
  subscriptions.world.broker(method, `queues/%VHOST%/${queue}`, body)
const parkedOf = (name: string) => lengthOf(subscriptions.world, subscriptions.queues(name).parked)
const deadLettersOf = (name: string) => lengthOf(subscriptions.world, subscriptions.queues(name).deadLetters)

test('events that come out of their order are handled in it', async () => {
  const { subscriber, seen } = recorder('shuffled')
  await subscriptions.run(subscriber)
  const orders = Array.from({ length: 10 }, () => history([...FULL]))
  await subscriptions.publish(...orders.map((events) => events[2]).filter((event) => event !== undefined))
  await subscriptions.publish(...orders.map((events) => events[1]).filter((event) => event !== undefined))
  await eventually(
    'them to wait',
    () => subscriptions.backlog('shuffled'),
    (length) => length === 0,
  )
  expect(seen).toEqual([])
  await subscriptions.publish(...orders.map((events) => events[0]).filter((event) => event !== undefined))
  await eventually(
    'all',
    () => seen.length,
    (count) => count === 30,
  )
  for (const [event] of orders) expect(sequencesOf(seen, event?.orderId)).toEqual([1, 2, 3])
  expect(await parkedOf('shuffled')).toBe(0)
})

test('an event whose predecessor never comes is parked, and handled when it is sent again behind it', async () => {
  const { subscriber, seen } = recorder('gap')
  await subscriptions.run(subscriber, PARKING)
  const [created, paid, refunded] = history([...FULL])
  if (!created || !paid || !refunded) throw new Error('expected three events')
  await subscriptions.publish(paid, refunded)
  await eventually(
    'both to be parked',
    () => parkedOf('gap'),
    (length) => length === 2,
  )
  expect(seen).toEqual([])
  const broker = { url: subscriptions.world.rabbitmqUrl, log: createLog('test', 'silent'), of: 'gap', isParked: true }
  const { letters } = await listDeadLetters(broker, 10)
  expect(letters.map(({ reason }) => reason)).toEqual(['OUT_OF_SEQUENCE', 'OUT_OF_SEQUENCE'])
  await subscriptions.publish(created)
  await eventually(
    'the first',
    () => seen.length,
    (count) => count === 1,
  )
  expect((await sendBack('gap', '--parked')).stdout).toContain('2 sent back, 0 stay.')
  await eventually(
    'the others',
    () => seen.length,
    (count) => count === 3,
  )
  expect(sequencesOf(seen, created.orderId)).toEqual([1, 2, 3])
  expect(await parkedOf('gap')).toBe(0)
})

test("an event of a version that is not known yet is parked, with its successors, and no other order's", async () => {
  const { subscriber, seen } = recorder('outdated')
  await subscriptions.run(subscriber, PARKING)
  const [created, paid] = history(['order.created', 'order.paid'])
  const other = history(['order.created', 'order.paid'])
  if (!created || !paid) throw new Error('expected two events')
  await subscriptions.publishRaw(partitionKeyOf(created), { ...created, v: 4, more: true })
  await subscriptions.publish(paid, ...other)
  await eventually(
    'both to be parked',
    () => parkedOf('outdated'),
    (length) => length === 2,
  )
  expect(seen.map(({ eventId }) => eventId)).toEqual(other.map(({ eventId }) => eventId))
  // Sent again too early they are parked again, and nothing is lost.
  await sendBack('outdated', '--parked')
  await eventually(
    'both to be parked again',
    () => parkedOf('outdated'),
    (length) => length === 2,
  )
  const broker = {
    url: subscriptions.world.rabbitmqUrl,
    log: createLog('test', 'silent'),
    of: 'outdated',
    isParked: true,
  }
  const [first] = (await listDeadLetters(broker, 1)).letters
  expect(await dropDeadLetters(broker, [first?.id ?? ''])).toHaveLength(1)
  await eventually(
    'the other to be parked still',
    () => parkedOf('outdated'),
    (length) => length === 1,
  )
})

test("an event that no retry will mend goes to the subscriber's own dead letters, and all others are handled", async () => {
  const broken = new Set<string>()
  const { subscriber, seen } = recorder('picky', ({ eventId }) => {
    if (broken.has(eventId)) throw new Error('a defect')
  })
  const other = recorder('tolerant')
  await subscriptions.run(subscriber)
  await subscriptions.run(other.subscriber)
  const orders = Array.from({ length: 12 }, () => history(['order.created']))
  const poison = orders[5]?.[0]?.eventId ?? ''
  broken.add(poison)
  await subscriptions.publish(...orders.flat())
  await subscriptions.publishRaw(randomUUID(), 'not an event')
  await eventually(
    'the others',
    () => new Set(seen.map(({ eventId }) => eventId)).size,
    (count) => count === 11,
  )
  await eventually(
    'two dead letters',
    () => deadLettersOf('picky'),
    (length) => length === 2,
  )
  await eventually(
    'the other subscriber',
    () => other.seen.length,
    (count) => count === 12,
  )
  expect(await deadLettersOf('tolerant')).toBe(1)

  broken.clear()
  expect((await sendBack('picky')).stdout).toContain('2 sent back, 0 stay.')
  await eventually(
    'the mended one',
    () => seen.some(({ eventId }) => eventId === poison),
    (isThere) => isThere,
  )
})

test('a subscriber that cannot go on, or is down, holds up no other subscriber, and drains in order when it is back', async () => {
  let isAway = true
  const slow = recorder('slow', () => {
    if (isAway) throw new TryAgain('not now')
  })
  const down = recorder('down')
  const healthy = recorder('healthy')
  await subscriptions.run(slow.subscriber)
  await (await subscriptions.run(down.subscriber))()
  await subscriptions.run(healthy.subscriber)
  const orders = Array.from({ length: 40 }, () => history([...FULL]))
  for (const step of [0, 1, 2])
    await subscriptions.publish(...orders.map((events) => events[step]).filter((event) => event !== undefined))
  await eventually(
    'the healthy one',
    () => healthy.seen.length,
    (count) => count === 120,
  )
  expect(slow.seen).toEqual([])
  expect(await subscriptions.backlog('down')).toBe(120)

  isAway = false
  await subscriptions.run(down.subscriber)
  const inOrder = (seen: OrderEvent[]) =>
    orders.every(([event]) => String(sequencesOf(seen, event?.orderId)) === '1,2,3')
  for (const { seen } of [slow, down]) {
    await eventually(
      'the backlog',
      () => new Set(seen.map(({ eventId }) => eventId)).size,
      (count) => count === 120,
    )
  }
  expect(inOrder(down.seen)).toBe(true)
  expect(inOrder(slow.seen)).toBe(true)
})

test('a subscriber whose partition is full refuses, loses nothing, and all others hear of it', async () => {
  const full = recorder('full')
  const healthy = recorder('roomy')
  const { partitions, topology } = subscriptions.queues('full')
  // Bounds that differ are kept: with room for one event each, the second of a partition is refused.
  for (const queue of topology.queues.filter(({ name }) => partitions.includes(name))) {
    await world('PUT', queue.name, { durable: true, arguments: { ...queue.arguments, 'x-max-length': 1 } })
  }
  await (await subscriptions.run(full.subscriber))()
  await subscriptions.run(healthy.subscriber)
  const orders = Array.from({ length: 60 }, () => history(['order.created'])).flat()
  const refused: OrderEvent[] = []
  for (const event of orders)
    await subscriptions.publish(event).catch(() => {
      refused.push(event)
    })
  expect(refused.length).toBeGreaterThan(0)
  await eventually(
    'the one that has room',
    () => new Set(healthy.seen.map(({ eventId }) => eventId)).size,
    (count) => count === 60,
  )
  expect(await deadLettersOf('full')).toBe(0)

  // As the outbox does: what was refused is sent again.
  await subscriptions.run(full.subscriber)
  for (const event of refused)
    await eventually(
      'room',
      () =>
        subscriptions.publish(event).then(
          () => true,
          () => false,
        ),
      Boolean,
    )
  await eventually(
    'the full one',
    () => new Set(full.seen.map(({ eventId }) => eventId)).size,
    (count) => count === 60,
  )
  expect(full.seen).toHaveLength(60)
})

test('an event that cannot be parked stays in its partition until it can', async () => {
  const { parked, topology } = subscriptions.queues('crowded')
  const queue = topology.queues.find(({ name }) => name === parked)
  await world('PUT', parked, { durable: true, arguments: { ...queue?.arguments, 'x-max-length': 1 } })
  await subscriptions.run(recorder('crowded').subscriber, PARKING)
  const early = Array.from({ length: 12 }, () => history([...FULL])[1]).filter((event) => event !== undefined)
  await subscriptions.publish(...early)
  const taken = new Set<unknown>()
  const connection = await connect(subscriptions.world.rabbitmqUrl)
  const channel = await connection.createChannel()
  await eventually(
    'all to be parked, as room is made',
    async () => {
      const message = await channel.get(parked, { noAck: true })
      if (message) taken.add(message.properties.messageId)
      return taken.size
    },
    (count) => count === early.length,
    60_000,
  )
  expect(taken).toEqual(new Set(early.map(({ eventId }) => eventId)))
  await connection.close()
})

test('sending back to partitions that are gone says so, and keeps what was parked', async () => {
  const { subscriber } = recorder('gone')
  const stop = await subscriptions.run(subscriber, PARKING)
  const [, paid] = history([...FULL])
  if (!paid) throw new Error('expected an event')
  await subscriptions.publish(paid)
  await eventually(
    'it to be parked',
    () => parkedOf('gone'),
    (length) => length === 1,
  )
  await stop()
  for (const partition of subscriptions.queues('gone').partitions) await world('DELETE', partition)
  const { exitCode, stdout } = await sendBack('gone', '--parked').catch(
    (error: { exitCode: number; stdout: string }) => error,
  )
  expect(exitCode).toBe(1)
  expect(stdout).toContain('0 sent back, 1 stay')
  await eventually(
    'it to be there still',
    () => parkedOf('gone'),
    (length) => length === 1,
  )
})

test('a subscriber is owed nothing from before it came: a later event of an older order is handled as it is', async () => {
  const before = history(['order.created', 'order.paid'], { orderedAt: new Date(Date.now() - 60_000).toISOString() })
  const { subscriber, seen } = recorder('late')
  await subscriptions.run(subscriber)
  await subscriptions.publish(...before.slice(1))
  await eventually(
    'the payment',
    () => seen.length,
    (count) => count === 1,
  )
  expect(await parkedOf('late')).toBe(0)
})
