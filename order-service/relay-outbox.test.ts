import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { EventBatch, OrderEvent } from '../core/contracts/messages.ts'
import { delayQueueTopology, TIMEOUTS, waitingRoom } from '../core/contracts/timeout-topology.ts'
import { eventTopology, merge, ORDER_EVENTS, SEQUENCED_EVENTS } from '../core/contracts/topology.ts'
import { lockOldestEntries } from './outbox-entries.ts'
import { partitionKeyOf } from '../core/orders/event-messages.ts'
import { placeOrders } from '../core/orders/place-orders.ts'
import { createLog } from '../core/platform/process/log.ts'
import type { DelayTransport } from '../core/platform/rabbit/delay.ts'
import { createPublisher, type Publisher } from '../core/platform/rabbit/publisher.ts'
import { eventually } from '../test/support/eventually.ts'
import { Ledger, reservation, rules } from '../test/support/ledger.ts'
import { createWorld, type World } from '../test/support/world.ts'
import { relayOutbox } from './relay-outbox.ts'

const DELAY_MS = 3_600_000
const LISTENER = 'listener'
const FOLLOWER = 'follower'
const topology = delayQueueTopology(DELAY_MS)
const delay: DelayTransport = {
  kind: 'queue',
  topology,
  route: { exchange: TIMEOUTS, routingKey: waitingRoom(DELAY_MS) },
}
/** A routing key without a queue: the broker returns the message. */
const nowhere: DelayTransport = { ...delay, route: { exchange: TIMEOUTS, routingKey: 'nowhere' } }

let world: World
let ledger: Ledger
let publisher: Publisher
let connection: ChannelModel
let channel: ConfirmChannel
let refused = 0
beforeAll(async () => {
  world = await createWorld()
  ledger = new Ledger(world)
  publisher = await createPublisher({
    url: world.rabbitmqUrl,
    name: 'test',
    log: createLog('test', 'silent'),
    topology: merge(eventTopology, topology),
    confirmTimeoutMs: 4_000,
  })
  await eventually(
    'the publisher',
    () => publisher.isReady(),
    (isReady) => isReady,
  )
  connection = await connect(world.rabbitmqUrl, { noDelay: true })
  channel = await connection.createConfirmChannel()
  await channel.assertQueue(LISTENER)
  await channel.bindQueue(LISTENER, ORDER_EVENTS, '#')
  await channel.assertQueue(FOLLOWER)
  await channel.bindQueue(FOLLOWER, SEQUENCED_EVENTS, '#')
})
beforeEach(async () => {
  refused = 0
  for (const queue of [LISTENER, FOLLOWER, waitingRoom(DELAY_MS)]) await channel.purgeQueue(queue)
})
afterAll(async () => {
  await publisher.close()
  await connection.close()
  await world.close()
})

const relay = (to = delay) =>
  relayOutbox({
    database: world.database,
    publisher,
    delay: to,
    onRefused: (entries) => {
      refused += entries
    },
  })
/** Ends the back-off of refused entries. */
const endBackoff = () =>
  world.database.outboxEntry.updateMany({ where: { refusedAt: { not: null } }, data: { refusedAt: new Date(0) } })
const lengthOf = async (queue: string) => (await channel.checkQueue(queue)).messageCount

/** Takes all messages of the queue. @returns the events of each */
async function eventsIn(queue: string): Promise<OrderEvent[][]> {
  const batches: OrderEvent[][] = []
  for (let left = await lengthOf(queue); left > 0; left--) {
    const message = await channel.get(queue, { noAck: true })
    if (message) batches.push((JSON.parse(message.content.toString()) as EventBatch).events)
  }
  return batches
}
const countEvents = async (queue: string) => (await eventsIn(queue)).flat().length

async function place(count: number, name: string): Promise<void> {
  const saleId = await ledger.sale(count, `sale-${name}`)
  await placeOrders(
    world.database,
    Array.from({ length: count }, (_, i) => reservation(saleId, i)),
    rules,
  )
}

test('events of many orders share a message by type, others by partition, timeouts one, and the outbox is empty', async () => {
  await place(200, 'many')
  await place(1, 'one')
  expect(await relay()).toBe('DONE')
  expect(await lengthOf(waitingRoom(DELAY_MS))).toBe(2)
  expect(await relay()).toBe('IDLE')
  expect(await world.database.outboxEntry.count()).toBe(0)
  const byType = await eventsIn(LISTENER)
  expect(byType.map(({ length }) => length)).toEqual([64, 64, 64, 9])
  expect(new Set(byType.flat().map(({ type }) => type))).toEqual(new Set(['order.created']))
  const byPartition = await eventsIn(FOLLOWER)
  for (const events of byPartition) expect(new Set(events.map(partitionKeyOf)).size).toBe(1)
  const ids = (events: OrderEvent[]) => events.map(({ eventId }) => eventId).toSorted()
  expect(ids(byPartition.flat())).toEqual(ids(byType.flat()))
})

test('when it is calm a message carries one event', async () => {
  await place(1, 'calm')
  await relay()
  expect([await eventsIn(LISTENER), await eventsIn(FOLLOWER)]).toEqual([
    [[expect.objectContaining({ type: 'order.created' })]],
    [[expect.objectContaining({ type: 'order.created' })]],
  ])
})

test('of events that one of two subscribers refuses none is lost, and the other ones leave the outbox', async () => {
  await channel.assertQueue('full', { arguments: { 'x-max-length': 1, 'x-overflow': 'reject-publish' } })
  await channel.bindQueue('full', ORDER_EVENTS, 'order.created')
  await place(1, 'fills')
  await relay()
  await place(3, 'behind-full')
  await relay()
  expect(await world.database.outboxEntry.findMany({ select: { size: true } })).toEqual([{ size: 3 }])
  await channel.deleteQueue('full')
  await channel.purgeQueue(FOLLOWER)
  await endBackoff()
  await relay()
  expect(await countEvents(FOLLOWER)).toBe(3)
  expect(await world.database.outboxEntry.count()).toBe(0)
})

test('only the messages that the broker refuses stay in the outbox, are counted, and are published later', async () => {
  await place(3, 'refused')
  expect(await relay(nowhere)).toBe('DONE')
  expect(refused).toBe(1)
  await relay()
  expect(await lengthOf(waitingRoom(DELAY_MS))).toBe(0)
  await endBackoff()
  await relay(nowhere)
  expect(await countEvents(LISTENER)).toBe(3)
  expect(await ledger.timeouts()).toHaveLength(1)
  expect(await world.database.outboxEntry.findMany({ select: { size: true } })).toEqual([{ size: 1 }])
  await endBackoff()
  await relay()
  expect(await lengthOf(waitingRoom(DELAY_MS))).toBe(1)
  expect(await world.database.outboxEntry.count()).toBe(0)
})

test('a run takes whole entries until it has a thousand messages, and returns that there are more', async () => {
  for (const name of ['first', 'second', 'third']) await place(600, name)
  expect(await relay()).toBe('MORE')
  expect(await countEvents(LISTENER)).toBe(1_200)
  expect(await world.database.outboxEntry.count()).toBe(1)
  expect(await relay()).toBe('DONE')
  expect(await countEvents(LISTENER)).toBe(600)
})

test('of two concurrent relays only one publishes', async () => {
  await place(3, 'shared')
  await world.database.$transaction(async (tx) => {
    expect(await lockOldestEntries(tx, 1_000)).toHaveLength(1)
    expect(await relay()).toBe('IDLE')
    expect(await lengthOf(LISTENER)).toBe(0)
  })
  await relay()
  expect(await countEvents(LISTENER)).toBe(3)
})

test('more refused timeouts than one run takes do not hold back events', async () => {
  for (let i = 0; i < 3; i++) {
    await place(1, `stuck-${i}`)
    await relay(nowhere)
  }
  // As after a day with a full queue: an entry for each refused timeout.
  await world.database.$executeRaw`
    INSERT INTO outbox (size, messages, refused_at)
    SELECT size, messages, refused_at FROM outbox, generate_series(1, 400) WHERE refused_at IS NOT NULL`
  await endBackoff()
  await channel.purgeQueue(LISTENER)
  await place(3, 'behind')
  await relay(nowhere)
  expect(await countEvents(LISTENER)).toBe(3)
  await world.database.outboxEntry.deleteMany()
})
