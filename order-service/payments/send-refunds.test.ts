import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { placeOrders } from '../../core/orders/place-orders.ts'
import { cancelForBuyer, receiveMoney } from '../../core/orders/transitions.ts'
import { createLog } from '../../core/platform/process/log.ts'
import { Loops } from '../../core/platform/process/loops.ts'
import { eventually } from '../../test/support/eventually.ts'
import { slowed } from '../../test/support/patience.ts'
import { createWorld, type World } from '../../test/support/world.ts'
import type { PaymentProvider } from './provider.ts'
import { Rests } from './rests.ts'
import { sendRefunds, startRefunds } from './send-refunds.ts'

type Refund = Parameters<PaymentProvider['refund']>[0]

const SALE = 'sale-1'
const log = createLog('test', process.env.TEST_LOG_LEVEL ?? 'silent')
let world: World

beforeAll(async () => {
  world = await createWorld()
  await world.database.sale.create({
    data: {
      id: SALE,
      title: 'A sale',
      priceCents: 700,
      stock: 100,
      opensAt: new Date(0),
      closesAt: new Date(Date.now() + 60_000),
    },
  })
})
afterAll(() => world.close())
beforeEach(() => world.database.refund.deleteMany())

/** Money that came too late, so that it is to be given back. */
async function lateMoney(): Promise<Refund> {
  const reservation = {
    v: 1 as const,
    reservationId: `${SALE}.${randomBytes(16).toString('base64url')}`,
    saleId: SALE,
    buyerId: randomUUID(),
    quantity: 1,
    epoch: 1,
    reservedAtMs: Date.now(),
  }
  const [verdict] = await placeOrders(world.database, [reservation], {
    reservationLifetimeMs: 60_000,
    paymentWindowMs: 60_000,
    sagaMs: 30_000,
  })
  if (verdict?.decision.outcome !== 'ORDERED') throw new Error(`Expected ORDERED, got ${JSON.stringify(verdict)}`)
  const { orderId } = verdict.decision
  const payment = { paymentId: randomUUID(), amountCents: 700, providerRef: `ref-${orderId}` }
  await world.database.payment.create({ data: { id: payment.paymentId, orderId, amountCents: 700 } })
  await cancelForBuyer(world.database, orderId, reservation.buyerId)
  await receiveMoney(world.database, { ...payment, orderId })
  const { id } = await world.database.refund.findUniqueOrThrow({ where: { paymentId: payment.paymentId } })
  return { refundId: id, ...payment }
}

/** A provider that notes what it is asked to give back, and fails as told. */
function notingProvider(fail: (refund: Refund, calls: number) => boolean = () => false, answerMs = 0) {
  const asked: Refund[] = []
  const provider: PaymentProvider = {
    createLink: () => 'http://localhost/unused',
    readCallback: () => ({ outcome: 'UNREADABLE', detail: 'unused' }),
    async refund(refund) {
      asked.push(refund)
      await delay(answerMs)
      if (fail(refund, asked.length)) throw new Error('not now')
    },
  }
  return { provider, asked }
}
const rests = () => new Rests(20, 100)
const open = () => world.database.refund.count({ where: { completedAt: null } })

test('late money is sent back once, with what the provider needs to find it', async () => {
  const due = await lateMoney()
  const { provider, asked } = notingProvider()
  await sendRefunds({ database: world.database, provider, log }, rests())
  await sendRefunds({ database: world.database, provider, log }, rests())
  expect(asked).toEqual([due])
  expect(await open()).toBe(0)
})

test('three services at work at once send each refund once', async () => {
  const due = [
    await lateMoney(),
    await lateMoney(),
    await lateMoney(),
    await lateMoney(),
    await lateMoney(),
    await lateMoney(),
  ]
  const { provider, asked } = notingProvider(() => false, 20)
  await Promise.all([1, 2, 3].map(() => sendRefunds({ database: world.database, provider, log }, rests())))
  expect(asked.map((refund) => refund.refundId).toSorted()).toEqual(due.map((refund) => refund.refundId).toSorted())
  expect(await open()).toBe(0)
})

test('one that the provider will not take rests and is tried again, while the others go', async () => {
  const stuck = await lateMoney()
  const others = [await lateMoney(), await lateMoney()]
  let isStuck = true
  const { provider, asked } = notingProvider((refund) => isStuck && refund.refundId === stuck.refundId)
  const resting = new Rests(slowed(1_000), slowed(1_000)) // Longer than the others take.
  await sendRefunds({ database: world.database, provider, log }, resting)
  expect(asked).toEqual([stuck, ...others])
  expect(await open()).toBe(1)
  isStuck = false
  await eventually(
    'the rest to be over',
    async () => {
      await sendRefunds({ database: world.database, provider, log }, resting)
      return asked.length
    },
    (calls) => calls === 4,
  )
  expect(asked).toEqual([stuck, ...others, stuck])
  expect(await open()).toBe(0)
})

test('a provider that is away is not asked for every refund of a long list', async () => {
  for (let i = 0; i < 6; i++) await lateMoney()
  const { provider, asked } = notingProvider(() => true)
  await sendRefunds({ database: world.database, provider, log }, rests())
  expect(asked).toHaveLength(3)
  expect(await open()).toBe(6)
})

test('the loop goes on through failures until all is sent, and closing waits for the call in hand', async () => {
  const due = await lateMoney()
  const { provider, asked } = notingProvider((_, calls) => calls === 1, 30)
  const refunds = startRefunds({ database: world.database, provider, log }, new Loops(log, new Registry()), 10)
  await eventually(
    'the second try',
    () => asked.length,
    (calls) => calls === 2,
  )
  await refunds.close()
  expect(asked).toEqual([due, due])
  expect(await open()).toBe(0)
})
