import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkBackOn } from '../core/orders/saga.ts'
import { cancelForBuyer } from '../core/orders/transitions.ts'
import { createLog } from '../core/platform/process/log.ts'
import { Choreography } from '../test/support/choreography.ts'
import { eventually } from '../test/support/eventually.ts'
import { checkBack } from './check-back.ts'

const PRICE_CENTS = 500
let shop: Choreography
beforeAll(async () => {
  shop = await Choreography.open()
})
afterAll(() => shop.close())

/** As if an hour had passed. */
const overdue = (orderId: string) => shop.world.database.$executeRaw`
  UPDATE sagas SET due_at = due_at - interval '1 hour', updated_at = updated_at - interval '1 hour' WHERE order_id = ${orderId}::uuid`
const patienceOf = async (orderId: string) => {
  const { dueAt, updatedAt } = await shop.saga(orderId)
  return dueAt.getTime() - updatedAt.getTime()
}
const ask = (orderId: string) => shop.world.database.$transaction((tx) => checkBackOn(tx, orderId, 30_000))

test('only overdue sagas are checked back on, running and compensating ones', async () => {
  const back = await shop.place({ couponCode: 'NO-SUCH-COUPON' })
  await shop.deliver('coupon')
  const done = await shop.place({ points: 1 })
  await shop.givePoints(done.buyerId, 1)
  await shop.deliver('points')
  const [slow, young, cancelled] = [
    await shop.place({ points: 1 }),
    await shop.place({ points: 1 }),
    await shop.place({ points: 1 }),
  ]
  await cancelForBuyer(shop.world.database, cancelled.orderId, cancelled.buyerId)
  for (const { orderId } of [slow, back, done, cancelled]) await overdue(orderId)
  const asked: string[] = []
  const look = () =>
    checkBack(
      { database: shop.world.database, log: createLog('test', 'silent'), onCheckedBack: (what) => asked.push(what) },
      30_000,
    )
  await look()
  expect(asked.toSorted()).toEqual(['expired', 'repeated'])
  expect([(await shop.saga(slow.orderId)).reason, (await shop.saga(young.orderId)).state]).toEqual([
    'NOT_COMPLETED',
    'RUNNING',
  ])
  await look()
  expect(asked).toHaveLength(2)
  await shop.settle()
})

test('a saga that is not completed in time is called off, and a late step does nothing', async () => {
  const code = await shop.coupon(100)
  const order = await shop.place({ couponCode: code, points: 10 })
  await shop.givePoints(order.buyerId, 10)
  expect(await ask(order.orderId)).toBeUndefined()
  await overdue(order.orderId)
  expect(await ask(order.orderId)).toBe('expired')
  expect(await ask(order.orderId)).toBeUndefined()
  await shop.settle()
  expect(shop.eventsOf(order.orderId)).toEqual([
    'created',
    'saga-expired',
    'points-returned',
    'coupon-returned',
    'cancelled',
  ])
  expect(await shop.order(order.orderId)).toMatchObject({
    status: 'CANCELLED',
    endReason: 'NOT_COMPLETED',
    amountCents: PRICE_CENTS,
  })
  expect([
    await shop.statusOf(code),
    await shop.couponSteps(order.orderId),
    await shop.pointsOf(order.buyerId),
    await shop.ledger.sold(order.saleId),
  ]).toEqual(['AVAILABLE', [], 10, 0])
})

test('what a saga had taken before it expired comes back', async () => {
  const code = await shop.coupon(100)
  const order = await shop.place({ couponCode: code, points: 10 })
  await shop.givePoints(order.buyerId, 10)
  await shop.settle(['coupon', 'saga'])
  await overdue(order.orderId)
  expect(await ask(order.orderId)).toBe('expired')
  await shop.settle()
  expect([
    await shop.statusOf(code),
    await shop.couponSteps(order.orderId),
    await shop.pointsOf(order.buyerId),
  ]).toEqual(['AVAILABLE', ['LOCKED', 'RETURNED'], 10])
  expect((await shop.saga(order.orderId)).state).toBe('COMPENSATED')
})

test('a failure without a next step is repeated, and undone once however often', async () => {
  const code = await shop.coupon(100)
  const order = await shop.place({ couponCode: code, points: 10 })
  await shop.settle(['coupon', 'points'])
  expect((await shop.saga(order.orderId)).state).toBe('COMPENSATING')
  const patience: number[] = []
  for (let time = 0; time < 2; time++) {
    await overdue(order.orderId)
    expect(await ask(order.orderId)).toBe('repeated')
    patience.push(await patienceOf(order.orderId))
  }
  expect(patience[1]).toBe(2 * (patience[0] ?? 0))
  await shop.settle()
  expect(shop.eventsOf(order.orderId).slice(0, 6)).toEqual([
    'created',
    'coupon-locked',
    'points-refused',
    'coupon-returned',
    'points-refused',
    'points-refused',
  ])
  expect(shop.eventsOf(order.orderId).filter((event) => event === 'cancelled')).toHaveLength(1)
  expect(await shop.couponSteps(order.orderId)).toEqual(['LOCKED', 'RETURNED'])
  expect([(await shop.saga(order.orderId)).state, await shop.ledger.sold(order.saleId)]).toEqual(['COMPENSATED', 0])
  await overdue(order.orderId)
  expect(await ask(order.orderId)).toBeUndefined()
})

test('of several check-backs at the same moment one takes effect', async () => {
  const order = await shop.place({ couponCode: await shop.coupon(100) })
  await overdue(order.orderId)
  const asked = await Promise.all(Array.from({ length: 4 }, () => ask(order.orderId)))
  expect(asked.filter((what) => what !== undefined)).toEqual(['expired'])
  await overdue(order.orderId)
  const again = await Promise.all(Array.from({ length: 4 }, () => ask(order.orderId)))
  expect(again.filter((what) => what !== undefined)).toEqual(['repeated'])
  await shop.settle()
})

test('a step that is being taken is not called off meanwhile', async () => {
  const order = await shop.place({ points: 10 })
  await shop.givePoints(order.buyerId, 10)
  await overdue(order.orderId)
  const both = await shop.world.database.$transaction(async (tx) => {
    await tx.$executeRaw`LOCK TABLE points_entries IN SHARE ROW EXCLUSIVE MODE`
    const step = shop.deliver('points')
    await eventually(
      'the step to wait for its entry',
      () => shop.ledger.waitingForLocks(),
      (count) => count === 1,
    )
    const asking = ask(order.orderId)
    await eventually(
      'who calls off to wait for the step',
      () => shop.ledger.waitingForLocks(),
      (count) => count === 2,
    )
    return { step, asking }
  })
  await both.step
  expect(await both.asking).toBeUndefined()
  expect((await shop.saga(order.orderId)).state).toBe('DONE')
})

test('what is undone once more after the end changes nothing', async () => {
  const order = await shop.place({ couponCode: await shop.coupon(100), points: 10 })
  await shop.settle(['coupon', 'points'])
  await overdue(order.orderId)
  expect(await ask(order.orderId)).toBe('repeated')
  await shop.deliver('saga')
  expect((await shop.saga(order.orderId)).state).toBe('COMPENSATED')
  await shop.settle()
  expect((await shop.saga(order.orderId)).state).toBe('COMPENSATED')
  expect(shop.eventsOf(order.orderId).slice(-2)).toEqual(['points-refused', 'cancelled'])
})

test('an order that was cancelled meanwhile is not called off', async () => {
  const order = await shop.place({ couponCode: await shop.coupon(100) })
  await cancelForBuyer(shop.world.database, order.orderId, order.buyerId)
  await overdue(order.orderId)
  expect(await ask(order.orderId)).toBeUndefined()
  await shop.settle()
  expect(shop.eventsOf(order.orderId)).toEqual(['created', 'cancelled'])
})

test('an order whose saga is done is not checked back on, paid or not', async () => {
  const order = await shop.place({ couponCode: await shop.coupon(100) })
  await shop.settle()
  await overdue(order.orderId)
  expect(await ask(order.orderId)).toBeUndefined()
})
