import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { OrderEvent } from '../../core/contracts/messages.ts'
import type { Failpoint } from '../../core/platform/process/failpoint.ts'
import { findSubscribers } from '../../subscribers/runtime/find-subscribers.ts'
import { DEATHS, dieRepeatedly } from '../support/dying.ts'
import { eventually } from '../support/eventually.ts'
import { lengthOf } from '../support/queues.ts'
import { startProcess } from '../support/service-process.ts'
import { history, Subscriptions } from '../support/subscriptions.ts'
import { freePort } from '../../dev/servers/ports.ts'

const ORDERS = 12
/** Small, so that a death leaves most of the SMS to the next process. */
const BATCH = 4
const STEPS = ['order.created', 'order.paid', 'order.refunded'] as const
const STRONG = ['coupon', 'points', 'risk', 'statistics']

let subscriptions: Subscriptions
let folder: string
beforeAll(async () => {
  subscriptions = await Subscriptions.open()
  folder = await mkdtemp(join(tmpdir(), 'sms-'))
})
afterAll(async () => {
  await subscriptions.close()
  await rm(folder, { recursive: true })
})

async function newOrders(saleId: string): Promise<OrderEvent[][]> {
  return await Promise.all(
    Array.from({ length: ORDERS }, async () => {
      const couponCode = randomUUID()
      const events = history([...STEPS], { couponCode, saleId })
      for (const event of events.slice(0, 1)) await place(event, couponCode)
      return events
    }),
  )
}

/** Rows that the coupon's step needs. Its own events stay in the outbox, because no relay runs here. */
async function place(
  { orderId, reservationId, saleId, buyerId, quantity, amountCents }: OrderEvent,
  couponCode: string,
): Promise<void> {
  const { database } = subscriptions.world
  const id = orderId ?? ''
  await database.coupon.create({ data: { code: couponCode } })
  await database.order.create({
    data: {
      id,
      reservationId,
      saleId,
      buyerId,
      quantity,
      amountCents,
      couponCode,
      paymentDeadline: new Date(Date.now() + 600_000),
    },
  })
  await database.saga.create({
    data: { orderId: id, saleId, step: 'order.created', dueAt: new Date(Date.now() + 600_000) },
  })
}

/** Every type of event: some sagas complete, some are compensated. */
const delivery = (orders: OrderEvent[][], time: number) =>
  orders.flatMap((events, i) => ((i + time) % 2 ? events : events.toReversed()))
const environment = async (names: string[], more = {}) => ({
  ...subscriptions.env,
  ...more,
  SUBSCRIBERS: names.join(),
  SUBSCRIBERS_PORT: String(await freePort()),
})

/** Declares their queues: no event is kept that is published before. */
async function runBefore(names: string[]): Promise<void> {
  for (const subscriber of await findSubscribers('subscribers', names)) await (await subscriptions.run(subscriber))()
}

describe('a subscriber is killed between its effect and the ack', () => {
  const KILLED = {
    'between inbox and effect': 'subscriber.beforeEffect',
    'after commit, before the ack': 'subscriber.beforeAck',
  } as const satisfies Record<string, Failpoint>

  test.each(Object.entries(KILLED))(
    'killed %s, with every event delivered again after each death: each effect exactly once',
    async (_when, at) => {
      const { database } = subscriptions.world
      const saleId = at.replace(/\W/, '-').toLowerCase()
      const orders = await newOrders(saleId)
      const env = await environment(STRONG)
      await runBefore(STRONG)
      // Once with each process that dies.
      let time = 0
      await dieRepeatedly('subscribers', env, at, () => subscriptions.publish(...delivery(orders, ++time)))
      const last = await startProcess('subscribers', env)

      const orderIds = orders.map(([event]) => event?.orderId ?? '')
      const entered = (purpose: string) => database.inboxEntry.count({ where: { purpose, orderId: { in: orderIds } } })
      for (const [purpose, each] of [
        ['coupon', 3],
        ['points', 3],
        ['risk', 1],
        ['statistics', 3],
      ] as const) {
        await eventually(
          `all of ${purpose}`,
          () => entered(purpose),
          (count) => count === each * ORDERS,
        )
      }
      for (const name of STRONG) {
        const { held, deadLetters, parked } = subscriptions.queues(name)
        await eventually(
          'repeats to have passed',
          async () => (await subscriptions.backlog(name)) + (await lengthOf(subscriptions.world, held)),
          (length) => length === 0,
        )
        for (const queue of [deadLetters, parked]) expect(await lengthOf(subscriptions.world, queue)).toBe(0)
      }
      expect(await last.terminate()).toBe(0)

      for (const orderId of orderIds) {
        const where = { where: { orderId }, orderBy: { id: 'asc' as const } }
        expect((await database.pointsEntry.findMany(where)).map(({ points }) => points)).toEqual([10, -10])
        expect((await database.couponEntry.findMany(where)).map(({ step }) => step)).toEqual([
          'LOCKED',
          'USED',
          'RETURNED',
        ])
        expect(await database.riskReview.findMany(where)).toHaveLength(1)
        expect(await database.order.findUnique({ where: { id: orderId } })).toMatchObject({ sequence: 2 })
      }
      expect(await database.saleTotal.findUnique({ where: { saleId } })).toMatchObject({
        created: ORDERS,
        paid: ORDERS,
        refunded: ORDERS,
        revenueCents: 0n,
      })
    },
  )

  const BEFORE_MARK = 'subscriber.beforeMark' satisfies Failpoint

  test('killed after the SMS of a batch, before their marks: every buyer gets it, and at most a batch more per death gets it twice', async () => {
    const file = join(folder, 'sms.log')
    const orders = await newOrders('sms')
    const env = await environment(['sms'], { SMS_LOG_FILE: file, SUBSCRIBER_BATCH_MAX: String(BATCH) })
    await runBefore(['sms'])
    let time = 0
    await dieRepeatedly('subscribers', env, BEFORE_MARK, () => subscriptions.publish(...delivery(orders, ++time)))
    const last = await startProcess('subscribers', env)
    const told = () =>
      existsSync(file)
        ? readFileSync(file, 'utf8')
            .trim()
            .split('\n')
            .map((line) => (JSON.parse(line) as { key: string }).key)
        : []
    const wanted = orders.flat().map(({ eventId }) => eventId)
    await eventually(
      'every buyer to get the SMS',
      () => new Set(told()).size,
      (count) => count === wanted.length,
    )
    await eventually(
      'repeats to have passed',
      async () =>
        (await subscriptions.backlog('sms')) + (await lengthOf(subscriptions.world, subscriptions.queues('sms').held)),
      (length) => length === 0,
    )
    expect(await last.terminate()).toBe(0)
    expect([...new Set(told())].toSorted()).toEqual(wanted.toSorted())
    expect(told().length).toBeGreaterThan(wanted.length)
    expect(told().length).toBeLessThanOrEqual(wanted.length + DEATHS * BATCH)
  })
})
