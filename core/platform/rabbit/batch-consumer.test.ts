import { type ConfirmChannel, type ChannelModel, connect } from 'amqplib'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { eventually } from '../../../test/support/eventually.ts'
import { createWorld, type World } from '../../../test/support/world.ts'
import { decode, readEach } from '../../contracts/messages.ts'
import { DEAD_LETTERS, INTAKE, intakeTopology } from '../../contracts/topology.ts'
import { createLog } from '../process/log.ts'
import { type BatchConsumer, type BatchConsumerOptions, consumeBatches } from './batch-consumer.ts'

const log = createLog('test', 'silent')
const topology = intakeTopology(1_000)
let world: World
let connection: ChannelModel
let channel: ConfirmChannel

beforeAll(async () => {
  world = await createWorld()
  connection = await connect(world.rabbitmqUrl, { noDelay: true })
  channel = await connection.createConfirmChannel()
  const consumer = await consume({ handle: () => Promise.resolve() })
  await eventually(
    'the queues',
    () => consumer.isUp(),
    (isUp) => isUp,
  )
  await consumer.close()
})
beforeEach(async () => {
  for (const queue of [INTAKE, DEAD_LETTERS]) await channel.purgeQueue(queue)
})
afterAll(async () => {
  await connection.close()
  await world.close()
})

/** Consumes messages that are lists of numbers. */
function consume(
  options: Pick<BatchConsumerOptions<number>, 'handle'> & Partial<BatchConsumerOptions<number>>,
): Promise<BatchConsumer> {
  return consumeBatches({
    url: world.rabbitmqUrl,
    name: 'test',
    log,
    topology,
    queue: INTAKE,
    batchMax: 10,
    isFutile: () => true,
    isAway: async () => false,
    unpack: (body) => readEach(z.number(), decode(z.array(z.unknown()), body)),
    ...options,
  })
}

async function publish(...messages: unknown[]): Promise<void> {
  for (const message of messages)
    channel.sendToQueue(INTAKE, Buffer.from(JSON.stringify(message)), { persistent: true })
  await channel.waitForConfirms()
}
const lengthOf = async (queue: string) => (await channel.checkQueue(queue)).messageCount

test('a batch is made of whole messages, up to its size or over it by less than one message', async () => {
  await publish(...Array.from({ length: 10 }, (_, i) => [i, i, i, i, i, i]))
  const batches: number[][] = []
  const consumer = await consume({
    handle(items) {
      batches.push(items)
      return Promise.resolve()
    },
  })
  await eventually(
    'all items',
    () => batches.flat().length,
    (count) => count === 60,
  )
  await consumer.close()
  expect(batches.flat()).toEqual(Array.from({ length: 60 }, (_, i) => Math.floor(i / 6)))
  for (const batch of batches) expect([6, 12]).toContain(batch.length)
  expect(await lengthOf(INTAKE)).toBe(0)
})

test('a message with poison goes to the dead letters, and everything beside the poison is handled', async () => {
  const handled: number[] = []
  const consumer = await consume({
    handle(items) {
      if (items.includes(13)) throw new Error('unlucky')
      handled.push(...items)
      return Promise.resolve()
    },
  })
  await publish([1, 2], [3, 13, 4], [5, 'unreadable', 6], { not: 'a list' }, [7])
  await eventually(
    'three dead letters',
    () => lengthOf(DEAD_LETTERS),
    (length) => length === 3,
  )
  await eventually(
    'the others',
    () => handled.length,
    (count) => count === 7,
  )
  await consumer.close()
  expect(new Set(handled)).toEqual(new Set([1, 2, 3, 4, 5, 6, 7]))
  expect(await lengthOf(INTAKE)).toBe(0)
})

test('the rate counts what messages carry; what waits for its turn goes back when the service stops', async () => {
  const handled: number[] = []
  let delivered = 0
  const consumer = await consume({
    batchMax: 1,
    itemsPerSecond: 0.01,
    unpack(body) {
      delivered++
      return readEach(z.number(), decode(z.array(z.unknown()), body))
    },
    handle(items) {
      handled.push(...items)
      return Promise.resolve()
    },
  })
  await publish([1, 2, 3])
  await eventually(
    'the message to be there',
    () => delivered,
    (count) => count === 1,
  )
  await consumer.close()
  expect(handled).toEqual([])
  await eventually(
    'the message to be back',
    () => lengthOf(INTAKE),
    (length) => length === 1,
  )
})

test('a message is acknowledged only after what it carries was handled', async () => {
  await publish([1], [2])
  const attempted: number[] = []
  const consumer = await consume({
    isFutile: () => false,
    handle(items) {
      attempted.push(...items)
      throw new Error('the server is away')
    },
  })
  await eventually(
    'an attempt',
    () => attempted.length,
    (count) => count > 0,
  )
  await consumer.close()
  expect(
    await eventually(
      'both messages to be back',
      () => lengthOf(INTAKE),
      (length) => length > 1,
    ),
  ).toBe(2)
})

test('a consumer whose servers do not answer gives its messages back, to one elsewhere, and takes none until they answer', async () => {
  const handled = { cut: [] as number[], healthy: [] as number[] }
  let isAway = true
  let attempts = 0
  const cut = await consume({
    isFutile: () => false,
    isAway: async () => isAway,
    handle(items) {
      attempts++
      if (isAway) throw new Error('the database does not answer')
      handled.cut.push(...items)
      return Promise.resolve()
    },
  })
  await publish([1], [2], [3])
  await eventually('the messages to be back', async () => attempts > 0 && (await lengthOf(INTAKE)) === 3, Boolean)
  const healthy = await consume({
    handle(items) {
      handled.healthy.push(...items)
      return Promise.resolve()
    },
  })
  await publish([4], [5])
  await eventually(
    'all of them',
    () => handled.healthy.length,
    (count) => count === 5,
  )
  expect({ ...handled, attempts }).toEqual({ cut: [], healthy: [1, 2, 3, 4, 5], attempts: 1 })

  await healthy.close()
  isAway = false
  await publish([6])
  await eventually(
    'the first consumer again',
    () => handled.cut,
    (items) => items.includes(6),
  )
  await cut.close()
  expect(await lengthOf(INTAKE)).toBe(0)
})

test('a consumer that waits for its servers can be closed, and leaves everything in the queue', async () => {
  let attempts = 0
  const consumer = await consume({
    isFutile: () => false,
    isAway: async () => true,
    handle() {
      attempts++
      return Promise.reject(new Error('away'))
    },
  })
  await publish([1], [2])
  await eventually('the messages to be back', async () => attempts > 0 && (await lengthOf(INTAKE)) === 2, Boolean)
  await consumer.close()
  expect(await lengthOf(INTAKE)).toBe(2)
})
