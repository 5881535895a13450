import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { OrderEvent } from '../core/contracts/messages.ts'
import { subscriberQueues } from '../core/contracts/subscriber-topology.ts'
import { createDepthReader, type DepthReader } from '../core/platform/rabbit/depth-reader.ts'
import type { Subscriber } from '../subscribers/runtime/subscriber.ts'
import { commandArgs } from './bundles.ts'
import { eventually } from './support/eventually.ts'
import { lengthOf, publishTo } from './support/queues.ts'
import { history, Subscriptions } from './support/subscriptions.ts'
import { shortOrLong } from './support/thoroughness.ts'

const ORDERS = shortOrLong(100, 33_334)
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

function recorder(name: string) {
  const seen: OrderEvent[] = []
  const subscriber: Subscriber = {
    name,
    events: STEPS,
    once: 'inbox',
    handle: (_tx, event) => {
      seen.push(event)
      return Promise.resolve()
    },
  }
  return { seen, start: () => subscriptions.run(subscriber) }
}

const spread = (...args: string[]) => execa('node', [...commandArgs('spread'), ...args], { env: subscriptions.env })
const newOrders = (count: number) => Array.from({ length: count }, () => history([...STEPS]))
const interleaved = (orders: OrderEvent[][]) =>
  STEPS.flatMap((_, step) => orders.flatMap((events) => events[step] ?? []))
const lengthsOf = (name: string, partitions: number) => depths.depths(subscriberQueues(name, partitions, []).partitions)
const waitingIn = async (name: string, partitions: number) =>
  (await lengthsOf(name, partitions)).reduce((sum, length) => sum + length, 0)
const partitionsOf = (name: string) =>
  subscriptions.world.database.subscription.findUnique({
    where: { name },
    select: { partitions: true, spreadOver: true },
  })

async function expectAllInOrder(name: string, seen: OrderEvent[], orders: OrderEvent[][]): Promise<void> {
  await eventually(
    'every event',
    () => seen.length,
    (count) => count === orders.length * STEPS.length,
    shortOrLong(60_000, 600_000),
  )
  const sequences = new Map<string | null, number[]>()
  for (const { orderId, sequence } of seen) sequences.set(orderId, [...(sequences.get(orderId) ?? []), sequence])
  for (const [event] of orders) expect(sequences.get(event?.orderId ?? '')).toEqual([1, 2, 3])
  expect(await lengthOf(subscriptions.world, subscriptions.queues(name).parked)).toBe(0)
}

test('the backlog of a stopped subscriber is moved to ten partitions, and back, in order and with what arrives meanwhile', async () => {
  const { seen, start } = recorder('points')
  const stop = await start()
  await expect(spread('points')).rejects.toThrow('A process of points is alive')
  await stop()
  const orders = newOrders(ORDERS)
  await subscriptions.publishBacklog(interleaved(orders))

  const later = newOrders(20)
  const arriving = subscriptions.publish(...interleaved(later))
  expect((await spread('points')).stdout).toMatch(/\d+ messages moved: points has 10 partitions now, instead of 2\./)
  await arriving
  expect(await partitionsOf('points')).toEqual({ partitions: 10, spreadOver: null })
  expect((await lengthsOf('points', 10)).filter((length) => length > 0).length).toBeGreaterThan(5)
  expect(await waitingIn('points', 2)).toBe(0)
  const stopTen = await start()
  await expectAllInOrder('points', seen, [...orders, ...later])
  await stopTen()

  const last = newOrders(10)
  await subscriptions.publish(...interleaved(last))
  expect((await spread('points', '--over', '1')).stdout).toContain('points has 1 partitions now, instead of 10.')
  await start()
  await expectAllInOrder('points', seen, [...orders, ...later, ...last])
})

test('while a backlog is being moved no process starts; killed, the same command finishes it', async () => {
  const { seen, start } = recorder('killed')
  await (await start())()
  const orders = newOrders(ORDERS * 4)
  await subscriptions.publishBacklog(interleaved(orders))
  const command = spread('killed', '--over', '5')
  command.catch(() => 'it is killed')
  await eventually(
    'some to be moved',
    () => waitingIn('killed', 5),
    (count) => count > 0,
  )
  command.kill('SIGKILL')
  expect(await partitionsOf('killed')).toEqual({ partitions: 2, spreadOver: 5 })
  const starting = start()
  // Started after it, and at work: the first would be, too, if it did not wait.
  await recorder('other').start()
  expect(await subscriptions.world.database.subscriberProcess.count({ where: { subscriber: 'killed' } })).toBe(0)
  expect((await spread('killed')).stdout).toContain('killed has 5 partitions now, instead of 2.')
  await starting
  await expectAllInOrder('killed', seen, orders)
})

test('what the new partitions do not take stays where it was, and new events follow behind it', async () => {
  await (await recorder('refused').start())()
  const orders = newOrders(10)
  await subscriptions.publish(...interleaved(orders))
  // Bounds that differ are kept. The broker refuses late: only a queue that has refused once is sure to be full.
  let filled = 0
  const fill = (queue: string) =>
    publishTo(subscriptions.world, '', queue, JSON.stringify(history(['order.created'])[0])).then(
      () => void filled++,
      () => 'full',
    )
  for (const queue of subscriberQueues('refused', 3, []).partitionsTopology.queues) {
    await subscriptions.world.broker('PUT', `queues/%VHOST%/${queue.name}`, {
      durable: true,
      arguments: { ...queue.arguments, 'x-max-length': 1 },
    })
    await eventually(
      'it to be full',
      () => fill(queue.name),
      (outcome) => outcome === 'full',
    )
  }
  await expect(spread('refused', '--over', '3')).rejects.toThrow('The broker did not take a message: REFUSED')
  const waiting = async () => (await waitingIn('refused', 2)) + (await waitingIn('refused', 3))
  await eventually('all to be there', waiting, (count) => count >= orders.length * STEPS.length + filled)
  expect(await partitionsOf('refused')).toEqual({ partitions: 2, spreadOver: 3 })
  // New events go behind what waits, not ahead of it into the full new ones, which would refuse them.
  await subscriptions.publish(...newOrders(5).flat())
})

test('an unknown name is refused with those that exist', async () => {
  await subscriptions.declare('newcomer')
  await expect(spread('nobody')).rejects.toThrow(/No subscriber is named nobody; there are .*newcomer/)
})
