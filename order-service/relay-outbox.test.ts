import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { delayQueueTopology, TIMEOUTS, waitingRoom } from '../core/contracts/timeout-topology.ts'
import { eventTopology, merge, ORDER_EVENTS } from '../core/contracts/topology.ts'
import { lockOldestEntries } from './outbox-entries.ts'
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
})
beforeEach(async () => {
  for (const queue of [LISTENER, waitingRoom(DELAY_MS)]) await channel.purgeQueue(queue)
})
afterAll(async () => {
  await publisher.close()
  await connection.close()
  await world.close()
})

let refused = 0
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

async function place(count: number, name: string): Promise<void> {
  const saleId = await ledger.sale(count, `sale-${name}`)
  await placeOrders(
    world.database,
    Array.from({ length: count }, (_, i) => reservation(saleId, i)),
    rules,
  )
}

test('each event is published as its own message, the timeouts as one, and the outbox is empty', async () => {
  await place(3, 'three')
  expect(await relay()).toBe(false)
  expect(await lengthOf(LISTENER)).toBe(3)
  expect(await lengthOf(waitingRoom(DELAY_MS))).toBe(1)
  expect(await world.database.outboxEntry.count()).toBe(0)
  const message = await channel.get(LISTENER)
  expect(message && message.fields.routingKey).toBe('order.created')
})

test('only the messages that the broker refuses stay in the outbox, are counted, and are published later', async () => {
  await place(3, 'refused')
  expect(await relay(nowhere)).toBe(false)
  expect(refused).toBe(1)
  await relay()
  expect(await lengthOf(waitingRoom(DELAY_MS))).toBe(0)
  await endBackoff()
  await relay(nowhere)
  expect(await lengthOf(LISTENER)).toBe(3)
  expect(await ledger.timeouts()).toHaveLength(1)
  expect(await world.database.outboxEntry.findMany({ select: { size: true } })).toEqual([{ size: 1 }])
  await endBackoff()
  await relay()
  expect(await lengthOf(waitingRoom(DELAY_MS))).toBe(1)
  expect(await world.database.outboxEntry.count()).toBe(0)
})

test('a run takes whole entries until it has a thousand messages, and returns that there are more', async () => {
  for (const name of ['first', 'second', 'third']) await place(600, name)
  expect(await relay()).toBe(true)
  expect(await lengthOf(LISTENER)).toBe(1_200)
  expect(await world.database.outboxEntry.count()).toBe(1)
  expect(await relay()).toBe(false)
  expect(await lengthOf(LISTENER)).toBe(1_800)
})

test('of two concurrent relays only one publishes', async () => {
  await place(3, 'shared')
  await world.database.$transaction(async (tx) => {
    expect(await lockOldestEntries(tx, 1_000)).toHaveLength(1)
    expect(await relay()).toBe(false)
    expect(await lengthOf(LISTENER)).toBe(0)
  })
  await relay()
  expect(await lengthOf(LISTENER)).toBe(3)
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
  expect(await lengthOf(LISTENER)).toBe(3)
  await world.database.outboxEntry.deleteMany()
})
