import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { placeOrders } from '../../core/orders/place-orders.ts'
import { cancelForBuyer } from '../../core/orders/transitions.ts'
import { receiveMoney } from '../../core/orders/receive-money.ts'
import { createLog } from '../../core/platform/process/log.ts'
import { Loops } from '../../core/platform/process/loops.ts'
import { eventually } from '../../test/support/eventually.ts'
import { slowed } from '../../test/support/patience.ts'
import { createWorld, type World } from '../../test/support/world.ts'
import type { PaymentProvider } from './provider.ts'
import { RetryBackoff } from './retry-backoff.ts'
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

/** A payment that arrived after its order was cancelled, so that a refund is due. */
async function dueRefund(): Promise<Refund> {
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
  await receiveMoney(world.database, [{ ...payment, orderId }])
  const { id } = await world.database.refund.findUniqueOrThrow({ where: { paymentId: payment.paymentId } })
  return { refundId: id, ...payment }
}

/** A provider that records the refunds that it is asked for, and fails when `fail` says so. */
function recordingProvider(fail: (refund: Refund, calls: number) => boolean = () => false, answerMs = 0) {
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
const backoff = () => new RetryBackoff(20, 100)
const open = () => world.database.refund.count({ where: { completedAt: null } })

test('a late payment is refunded once, with the ids by which the provider finds it', async () => {
  const due = await dueRefund()
  const { provider, asked } = recordingProvider()
  await sendRefunds({ database: world.database, provider, log }, backoff())
  await sendRefunds({ database: world.database, provider, log }, backoff())
  expect(asked).toEqual([due])
  expect(await open()).toBe(0)
})

test('three processes at work at once send each refund once', async () => {
  const due = [
    await dueRefund(),
    await dueRefund(),
    await dueRefund(),
    await dueRefund(),
    await dueRefund(),
    await dueRefund(),
  ]
  const { provider, asked } = recordingProvider(() => false, 20)
  await Promise.all([1, 2, 3].map(() => sendRefunds({ database: world.database, provider, log }, backoff())))
  expect(asked.map((refund) => refund.refundId).toSorted()).toEqual(due.map((refund) => refund.refundId).toSorted())
  expect(await open()).toBe(0)
})

test('a refund that the provider rejects backs off and is retried, while the others are sent', async () => {
  const stuck = await dueRefund()
  const others = [await dueRefund(), await dueRefund()]
  let isStuck = true
  const { provider, asked } = recordingProvider((refund) => isStuck && refund.refundId === stuck.refundId)
  const pausing = new RetryBackoff(slowed(1_000), slowed(1_000)) // Longer than sending the others takes.
  await sendRefunds({ database: world.database, provider, log }, pausing)
  expect(asked).toEqual([stuck, ...others])
  expect(await open()).toBe(1)
  isStuck = false
  await eventually(
    'the pause to be over',
    async () => {
      await sendRefunds({ database: world.database, provider, log }, pausing)
      return asked.length
    },
    (calls) => calls === 4,
  )
  expect(asked).toEqual([stuck, ...others, stuck])
  expect(await open()).toBe(0)
})

test('a run against a provider that is down stops after a few refunds', async () => {
  for (let i = 0; i < 6; i++) await dueRefund()
  const { provider, asked } = recordingProvider(() => true)
  await sendRefunds({ database: world.database, provider, log }, backoff())
  expect(asked).toHaveLength(3)
  expect(await open()).toBe(6)
})

test('the loop retries until every refund is sent, and closing waits for the current call', async () => {
  const due = await dueRefund()
  const { provider, asked } = recordingProvider((_, calls) => calls === 1, 30)
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
