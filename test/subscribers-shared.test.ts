import { afterAll, beforeAll, expect, test } from 'vitest'
import { subscriber as points } from '../subscribers/points.ts'
import type { OrderEvent } from '../core/contracts/messages.ts'
import type { Subscriber } from '../subscribers/runtime/subscriber.ts'
import { freePort } from '../dev/servers/ports.ts'
import { eventually } from './support/eventually.ts'
import { lengthOf } from './support/queues.ts'
import { startProcess } from './support/service-process.ts'
import { history, Subscriptions } from './support/subscriptions.ts'

let subscriptions: Subscriptions
beforeAll(async () => {
  subscriptions = await Subscriptions.open({ SUBSCRIBER_PARTITIONS: '4' })
})
afterAll(() => subscriptions.close())

test('partitions are shared out fairly among the processes that are there, also when one comes or goes', async () => {
  const handledBy = new Map<string | null, string>()
  const start = (by: string) =>
    subscriptions.run({
      name: 'shared',
      events: ['order.created'],
      once: 'inbox',
      handle: (_tx, { orderId }) => {
        handledBy.set(orderId, by)
        return Promise.resolve()
      },
    })
  /** How many partitions each process has, the most first. */
  const shares = async () => {
    const orderIds = await subscriptions.sendToEach('shared')
    await eventually(
      'all partitions to be handled',
      () => orderIds.every((id) => handledBy.has(id)),
      (isSo) => isSo,
    )
    const owners = orderIds.map((id) => handledBy.get(id))
    return [...new Set(owners)]
      .map((by) => owners.filter((owner) => owner === by).length)
      .toSorted((one, other) => other - one)
  }
  const stopFirst = await start('first')
  expect(await shares()).toEqual([4])
  await start('second')
  await eventually('two each', shares, (each) => String(each) === '2,2')
  await start('third')
  await eventually('one of three to have two', shares, (each) => String(each) === '2,1,1')
  await stopFirst()
  await eventually('two each again', shares, (each) => String(each) === '2,2')
  expect(await lengthOf(subscriptions.world, subscriptions.queues('shared').deadLetters)).toBe(0)
})

test('while partitions change hands every event has its effect once, and those of an order one after another', async () => {
  const seen: OrderEvent[] = []
  const following: Subscriber = {
    name: 'points',
    events: points.events,
    once: 'inbox',
    async handleTogether(tx, events, tools) {
      if ('handleTogether' in points) await points.handleTogether(tx, events, tools)
      seen.push(...events)
    },
  }
  const start = () => subscriptions.run(following)
  await start()
  const orders = Array.from({ length: 100 }, () => history(['order.created', 'order.paid', 'order.refunded']))
  for (const step of [0, 1, 2]) {
    const arriving = start()
    await subscriptions.publish(...orders.flatMap((events) => events[step] ?? []))
    const stop = await arriving
    if (step === 1) await stop()
  }
  const { database } = subscriptions.world
  await eventually(
    'all effects',
    () => database.pointsEntry.count(),
    (count) => count >= 200,
  )
  await eventually(
    'every order to be at its end',
    () => database.inboxEntry.count({ where: { purpose: 'points', sequence: 3 } }),
    (count) => count === 100,
  )
  for (const [event] of orders) {
    const entries = await database.pointsEntry.findMany({
      where: { orderId: event?.orderId ?? '' },
      orderBy: { id: 'asc' },
    })
    expect(entries.map(({ points }) => points)).toEqual([10, -10])
    const sequences = seen.filter(({ orderId }) => orderId === event?.orderId).map(({ sequence }) => sequence)
    expect(sequences).toEqual(sequences.toSorted((one, other) => one - other))
  }
  expect(await lengthOf(subscriptions.world, subscriptions.queues('points').parked)).toBe(0)
})

test('what a killed process had is handled by those that are left', async () => {
  const { world, env } = subscriptions
  const process = async () => {
    const port = String(await freePort())
    return {
      port,
      ...(await startProcess('subscribers', {
        ...env,
        SUBSCRIBERS_PORT: port,
        SUBSCRIBERS_FOLDER: 'test/support/added-subscriber',
      })),
    }
  }
  const heard = (orderId: string | null) => world.redis.llen(`${world.keyPrefix}handled:${orderId}`)
  const [one, other] = [await process(), await process()]
  const handled = async (port: string) => {
    const text = await fetch(`http://127.0.0.1:${port}/metrics`).then((answer) => answer.text())
    return Number(/outcome="HANDLED".*?} (\d+)/.exec(text)?.[1] ?? 0)
  }
  await eventually(
    'both to have a share',
    async () => {
      for (const orderId of await subscriptions.sendToEach('newcomer'))
        await eventually(
          'it to be heard',
          () => heard(orderId),
          (times) => times === 1,
        )
      return await Promise.all([handled(one.port), handled(other.port)])
    },
    (counts) => counts.every((count) => count > 0),
  )
  await one.kill()
  for (const orderId of await subscriptions.sendToEach('newcomer'))
    await eventually(
      'it to be heard',
      () => heard(orderId),
      (times) => times === 1,
    )
  expect(await other.terminate()).toBe(0)
})
