import { setTimeout as delay } from 'node:timers/promises'
import { connect } from 'amqplib'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { OrderEvent } from '../core/contracts/messages.ts'
import { createDepthReader, type DepthReader } from '../core/platform/rabbit/depth-reader.ts'
import { createLog } from '../core/platform/process/log.ts'
import { declare } from '../core/platform/rabbit/declare.ts'
import { type Subscriber, TryAgain } from '../subscribers/frame/subscriber.ts'
import { beginSpreading, haveAllCome, setStage } from '../cli/spread/stages.ts'
import { eventually } from './support/eventually.ts'
import { pauseKey } from './support/added-subscriber/newcomer.ts'
import { lengthOf, publishTo } from './support/queues.ts'
import { history, Subscriptions } from './support/subscriptions.ts'

/**
 * As long as an effect waits to be let go, before it leaves its events to the next try: a transaction may take 10 s.
 */
const HELD_MS = 1_000
const STEPS = ['order.created', 'order.paid', 'order.refunded'] as const
let subscriptions: Subscriptions
let depths: DepthReader
beforeAll(async () => {
  subscriptions = await Subscriptions.open()
  depths = createDepthReader(subscriptions.world.rabbitmqUrl)
})
afterAll(async () => {
  await depths.close()
  await subscriptions.close()
})

/**
 * A subscriber with a backlog of so many orders, all of them under way at the same time, none of which it handles until
 * it is let go.
 */
async function backlogged(name: string, orderCount: number) {
  const seen: OrderEvent[] = []
  let letGo = () => {}
  const released = new Promise<boolean>((resolve) => {
    letGo = () => resolve(true)
  })
  const subscriber: Subscriber = {
    name,
    events: STEPS,
    once: 'inbox',
    async handle(_tx, event) {
      if (!(await Promise.race([released, delay(HELD_MS, false)]))) throw new TryAgain('not yet')
      seen.push(event)
    },
  }
  await (await subscriptions.run(subscriber))()
  const orders = Array.from({ length: orderCount }, () => history([...STEPS]))
  await subscriptions.publish(...STEPS.flatMap((_, step) => orders.flatMap((events) => events[step] ?? [])))
  return { seen, orders, letGo, start: () => subscriptions.run(subscriber, { SUBSCRIBER_BATCH_MAX: '10' }) }
}

const spread = (...args: string[]) =>
  execa('node', ['dev/run.mjs', 'cli/spread/main.ts', ...args], {
    env: { ...subscriptions.env, LOG_LEVEL: 'silent', SUBSCRIBERS_FOLDER: 'test/support/added-subscriber' },
  })
/** Of the further queues those that exist. */
async function spreadQueues(name: string, over: number): Promise<string[]> {
  const { queues } = subscriptions.queues(name).spreadOver(over)
  const statuses = await Promise.all(
    queues.map(async (queue) => (await subscriptions.world.broker('GET', `queues/%VHOST%/${queue}`)).status),
  )
  return queues.filter((_, i) => statuses[i] !== 404)
}

/** Every order to its end, its events once and one after another, and nothing set aside. */
async function expectAllInOrder(name: string, seen: OrderEvent[], orders: OrderEvent[][]): Promise<void> {
  for (const [event] of orders)
    expect(seen.filter(({ orderId }) => orderId === event?.orderId).map(({ sequence }) => sequence)).toEqual([1, 2, 3])
  for (const queue of [subscriptions.queues(name).parked, subscriptions.queues(name).deadLetters])
    expect(await lengthOf(subscriptions.world, queue)).toBe(0)
}

test('a backlog is spread over more queues and drained, with what comes meanwhile, and then everything is as it was', async () => {
  const { seen, orders, letGo, start } = await backlogged('slow', 150)
  await start()
  await start()
  const command = spread('slow', '--over', '6', '--processes', '0')
  await eventually(
    'it to be spread',
    () => spreadQueues('slow', 6),
    (queues) => queues.length === 6,
  )
  const later = Array.from({ length: 50 }, () => history([...STEPS]))
  await subscriptions.publish(...later.flat())
  letGo()
  const { stdout } = await command
  expect(stdout).toMatch(
    /The backlog of slow is drained: [\d,]+ events in [\d.]+ s, [\d,]+ a second, over 6 queues by 2 processes/,
  )
  await eventually(
    'what came last',
    () => seen.length,
    (count) => count === 600,
  )
  await expectAllInOrder('slow', seen, [...orders, ...later])
  expect(await spreadQueues('slow', 6)).toEqual([])
  expect(await subscriptions.world.database.subscription.findUnique({ where: { name: 'slow' } })).toMatchObject({
    spread: 'NONE',
    spreadOver: null,
  })
})

test('killed in the middle it leaves nothing behind that does not go on, and run again it comes to its end', async () => {
  const { seen, orders, letGo, start } = await backlogged('cut', 150)
  await start()
  const command = spread('cut', '--over', '5', '--processes', '0')
  command.catch(() => 'it is killed')
  const { queues } = subscriptions.queues('cut').spreadOver(5)
  await eventually(
    'everything to be spread',
    () => depths.depths(queues),
    (lengths) => lengths.reduce((sum, length) => sum + length, 0) > 50,
  )
  command.kill('SIGKILL')
  letGo()
  await eventually(
    'the processes to go on without it',
    () => seen.length,
    (count) => count === 450,
  )
  expect((await spread('cut', '--processes', '0')).stdout).toContain('over 5 queues by 1 processes')
  await expectAllInOrder('cut', seen, orders)
  expect(await spreadQueues('cut', 5)).toEqual([])
  // And from then on as before.
  const next = history([...STEPS])
  await subscriptions.publish(...next)
  await eventually(
    'a new order',
    () => seen.length,
    (count) => count === 453,
  )
})

test('what cannot be moved stays where it is, and is handled there when it is not to be moved any more', async () => {
  const { seen, orders, letGo, start } = await backlogged('stuck', 20)
  letGo()
  const { topology } = subscriptions.queues('stuck').spreadOver(2)
  const connection = await connect(subscriptions.world.rabbitmqUrl)
  await declare(connection, { ...topology, bindings: [] }, createLog('test', 'silent'))
  const { database } = subscriptions.world
  await beginSpreading(database, 'stuck', 2)
  const stop = await start()
  await eventually(
    'the process to move',
    () => haveAllCome(database, 'stuck', 'SPREADING'),
    (isSo) => isSo,
  )
  await stop()
  expect(seen).toEqual([])
  expect(await subscriptions.backlog('stuck')).toBe(60)
  await setStage(database, 'stuck', 'NONE')
  await start()
  await eventually(
    'all',
    () => seen.length,
    (count) => count === 60,
  )
  await expectAllInOrder('stuck', seen, orders)
  await connection.close()
})

test('a queue goes only when nobody has anything of it in hand, not even who has fallen silent', async () => {
  const { seen, letGo, start } = await backlogged('silent', 0)
  letGo()
  await start()
  const { topology, queues } = subscriptions.queues('silent').spreadOver(2)
  const cutOff = await connect(subscriptions.world.rabbitmqUrl)
  await declare(cutOff, topology, createLog('test', 'silent'))
  const channel = await cutOff.createChannel()
  const inHand: unknown[] = []
  await channel.consume(queues[0] ?? '', (message) => inHand.push(message))
  await publishTo(subscriptions.world, '', queues[0] ?? '', JSON.stringify(history([...STEPS])[0]))
  await eventually(
    'it to have an event',
    () => inHand.length,
    (count) => count === 1,
  )
  const command = spread('silent', '--over', '2', '--processes', '0')
  const stage = () => subscriptions.world.database.subscription.findUniqueOrThrow({ where: { name: 'silent' } })
  await eventually(
    'all others to be done',
    stage,
    ({ spread, spreadOver }) => spread === 'NONE' && spreadOver === 2,
    60_000,
  )
  await delay(2_000)
  expect(await spreadQueues('silent', 2)).toHaveLength(2)
  await cutOff.close()
  await command
  expect(seen).toHaveLength(1)
  expect(await spreadQueues('silent', 2)).toEqual([])
})

test('further processes take their part, and go when it is done; a second command and a name that nobody has are refused', async () => {
  const { world } = subscriptions
  await subscriptions.declare('newcomer')
  await Promise.all([
    expect(spread('newcomer', '--processes', '0')).rejects.toThrow(/No process runs newcomer/),
    expect(spread('nobody')).rejects.toThrow(/Nobody has subscribed as nobody; there are .*newcomer/),
  ])
  const orders = Array.from({ length: 100 }, () => history(['order.created', 'order.paid']))
  await subscriptions.publish(...orders.flat())
  // The one that leads does not come to its end before the other has tried.
  await world.redis.set(pauseKey(world.keyPrefix), 'yes')
  const commands = [1, 2].map(() =>
    spread('newcomer', '--over', '4', '--processes', '1').then(
      () => 'led',
      () => 'refused',
    ),
  )
  expect(await Promise.race(commands)).toBe('refused')
  await world.redis.del(pauseKey(world.keyPrefix))
  expect((await Promise.all(commands)).toSorted()).toEqual(['led', 'refused'])
  for (const [event] of orders)
    expect(await world.redis.lrange(`${world.keyPrefix}handled:${event?.orderId}`, 0, -1)).toEqual([
      'order.created',
      'order.paid',
    ])
  expect(await world.database.subscriberProcess.count({ where: { subscriber: 'newcomer' } })).toBe(0)
})
