import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { SagaEventType } from '../../core/contracts/messages.ts'
import type { Failpoint } from '../../core/platform/process/failpoint.ts'
import { dieOnce } from '../support/dying.ts'
import { eventually } from '../support/eventually.ts'
import { call } from '../support/http-client.ts'
import { startSystem, type System } from '../support/system.ts'

const STOCK = 10
const POINTS = 100
/** A saga that is stopped again and again is in time all the same; who pays twice within a minute is a robot. */
const SETTINGS = {
  SAGA_SECONDS: '600',
  PAYMENT_WINDOW_SECONDS: '600',
  RISK_PAID_PER_MINUTE_MAX: '1',
  SUBSCRIBERS: 'coupon,points,risk,saga',
  SUBSCRIBER_PARTITIONS: '1',
}
const STEP_WRITTEN = 'saga.beforeEvent' satisfies Failpoint
const CLOSING = 'saga.beforeClosed' satisfies Failpoint

let system: System
let saleId: string
beforeAll(async () => {
  system = await startSystem(SETTINGS)
  saleId = await system.createSale({ stock: STOCK })
  // Declares the queues: before they exist no event is kept.
  await system.start('subscribers')
  await system.stop('subscribers')
})
afterEach(() => system.stop('subscribers'))
afterAll(() => system.close())

interface Order {
  id: string
  reservationId: string
  token: string
  buyerId: string
  coupon: string
}

/**
 * An order that names a coupon and as many points as its buyer has, or that many, while no process takes the steps of its
 * saga.
 */
async function order({ points = POINTS, owner }: { points?: number; owner?: string } = {}): Promise<Order> {
  const coupon = randomUUID()
  await system.controlRoom('PUT', `/coupons/${coupon}`, { discountCents: 300, ...(owner && { buyerId: owner }) })
  const name = `buyer ${coupon.slice(0, 8)}`
  const [token, { body: session }] = [
    await system.signIn(name),
    await call('POST', system.url('/sessions'), { body: { name } }),
  ]
  const buyerId = String(session.userId)
  await system.controlRoom('POST', `/points/${buyerId}`, { points: POINTS })
  const { body } = await system.buy(saleId, token, { coupon, points })
  const reservationId = String(body.id)
  const { orderId } = await system.settled(reservationId, token, ['ORDERED'])
  return { id: String(orderId), reservationId, token, buyerId, coupon }
}

const sagaOf = ({ id }: Order) => system.world.database.saga.findUniqueOrThrow({ where: { orderId: id } })

/**
 * The process takes the steps that are left to take, and dies in the middle of that one: what is before it has
 * happened.
 */
async function diesAfter(
  step: SagaEventType | 'order.created',
  order: Order,
  at: Failpoint,
  time: number,
  meanwhile = () => Promise.resolve(),
): Promise<void> {
  await dieOnce('subscribers', system.env, at, meanwhile, time)
  expect((await sagaOf(order)).step).toBe(step)
}

/** With all services up: the buyer has coupon and points again, the unit is free, every check passes. */
async function settles(order: Order, as: 'CANCELLED' | 'REFUNDED', reason: string, refunds: number): Promise<void> {
  const { database } = system.world
  await system.start('subscribers')
  expect(await system.settled(order.reservationId, order.token, [as])).toMatchObject({ reason })
  await eventually(
    'every check to pass',
    () => system.auditAtRest(saleId),
    ({ sales }) => sales.every(({ checks }) => checks.every(({ state }) => state === 'ok')),
    60_000,
  )
  expect((await system.auditAtRest(saleId)).sales).toMatchObject([{ sold: 0, redisLeft: STOCK }])
  expect(await sagaOf(order)).toMatchObject({ state: 'COMPENSATED', reason })
  expect(await database.coupon.findUnique({ where: { code: order.coupon } })).toMatchObject({
    status: 'AVAILABLE',
    orderId: null,
  })
  expect(await database.pointsEntry.aggregate({ where: { buyerId: order.buyerId }, _sum: { points: true } })).toEqual({
    _sum: { points: POINTS },
  })
  expect(await database.refund.count({ where: { payment: { orderId: order.id } } })).toBe(refunds)
}

async function pays(order: Order): Promise<void> {
  await eventually(
    'the price to stand firm',
    () => sagaOf(order),
    ({ state }) => state === 'DONE',
    60_000,
  )
  const { body } = await call('POST', system.url(`/orders/${order.id}/payments`), { token: order.token })
  expect(await call('POST', String(body.url), { headers: { accept: 'application/json' } })).toMatchObject({
    body: { outcome: 'PAID' },
  })
}

test('killed in every step of a veto: money, points, coupon and unit go back once', async () => {
  const vetoed = await order()
  // They have paid for something else just now.
  await system.world.database.riskReview.create({
    data: {
      orderId: randomUUID(),
      saleId: 'elsewhere',
      eventId: randomUUID(),
      buyerId: vetoed.buyerId,
      paidAt: new Date(),
      rules: [],
    },
  })
  await diesAfter('order.created', vetoed, STEP_WRITTEN, 1)
  await diesAfter('order.coupon-locked', vetoed, STEP_WRITTEN, 2)
  await diesAfter('order.points-deducted', vetoed, STEP_WRITTEN, 2, () => pays(vetoed))
  await diesAfter('order.vetoed', vetoed, STEP_WRITTEN, 2)
  await diesAfter('order.points-returned', vetoed, STEP_WRITTEN, 2)
  await diesAfter('order.coupon-returned', vetoed, CLOSING, 1)
  expect(await system.world.database.order.findUnique({ where: { id: vetoed.id } })).toMatchObject({
    status: 'PAID',
    amountCents: 600,
  })
  await settles(vetoed, 'REFUNDED', 'VETOED', 1)
})

test('killed in every step of a compensation after too few points: each step happens once', async () => {
  const poor = await order({ points: POINTS + 1 })
  await diesAfter('order.coupon-locked', poor, STEP_WRITTEN, 2)
  await diesAfter('order.points-refused', poor, STEP_WRITTEN, 2)
  await diesAfter('order.coupon-returned', poor, CLOSING, 1)
  expect(await system.world.database.order.findUnique({ where: { id: poor.id } })).toMatchObject({
    status: 'PENDING_PAYMENT',
  })
  await settles(poor, 'CANCELLED', 'TOO_FEW_POINTS', 0)
})

test('killed while a coupon is refused: it stays with its owner, and nothing was taken', async () => {
  const stranger = await order({ owner: 'somebody-else' })
  await diesAfter('order.created', stranger, STEP_WRITTEN, 1)
  await settles(stranger, 'CANCELLED', 'COUPON_REFUSED', 0)
  expect(
    await system.world.database.couponEntry.findMany({ where: { orderId: stranger.id }, select: { step: true } }),
  ).toEqual([{ step: 'REFUSED' }])
})

test('killed while it cancels an overdue saga: cancelled once, and what was taken goes back', async () => {
  const slow = await order()
  await diesAfter('order.coupon-locked', slow, STEP_WRITTEN, 2)
  await system.stop('cancel-worker')
  await dieOnce(
    'cancel-worker',
    system.env,
    STEP_WRITTEN,
    () => system.world.database.$executeRaw`UPDATE sagas SET due_at = now() WHERE order_id = ${slow.id}::uuid`,
  )
  expect(await sagaOf(slow)).toMatchObject({ state: 'RUNNING', step: 'order.coupon-locked' })
  await system.start('cancel-worker')
  await eventually(
    'the saga to be cancelled',
    () => sagaOf(slow),
    ({ state }) => state === 'COMPENSATING',
  )
  await settles(slow, 'CANCELLED', 'NOT_COMPLETED', 0)
})
