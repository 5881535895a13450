import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { cancelForBuyer, cancelUnpaid } from '../core/orders/transitions.ts'
import { eventually } from '../test/support/eventually.ts'
import { Choreography, type Batching, type Placed } from '../test/support/choreography.ts'

const PRICE_CENTS = 500
let shop: Choreography
let placed: Placed[] = []
beforeAll(async () => {
  shop = await Choreography.open({ RISK_PAID_PER_MINUTE_MAX: '1' })
})
afterAll(() => shop.close())

async function place(...wanted: Parameters<Choreography['place']>): Promise<Placed> {
  const order = await shop.place(...wanted)
  placed.push(order)
  return order
}

/** The events of an order have no gap and no repeat. */
afterEach(() => {
  for (const { orderId } of placed) {
    const sequences = shop.sequences(orderId)
    if (sequences.some((sequence, i) => sequence !== i + 1))
      throw new Error(`Expected sequences without a gap, got ${sequences.join()}`)
  }
  placed = []
})

async function soldOf({ saleId }: Placed) {
  return shop.ledger.sold(saleId)
}

/** Paid orders of one buyer: risk control vetoes the second one. */
async function payTwo(wishes: Parameters<Choreography['place']>[0]): Promise<Placed> {
  const first = await place()
  const second = await place(wishes, { buyerId: first.buyerId })
  await shop.settle()
  for (const { orderId } of [first, second]) await shop.pay(orderId)
  await shop.settle(['coupon', 'points', 'saga'])
  return second
}

describe('forwards', () => {
  test('an order takes its coupon, then its points, and then can be paid at what is left', async () => {
    const code = await shop.coupon(120)
    const order = await place({ couponCode: code, points: 80 })
    const { orderId, buyerId, saleId } = order
    await shop.givePoints(buyerId, 100)
    expect(await shop.saga(orderId)).toMatchObject({ state: 'RUNNING', step: 'order.created', saleId })
    await shop.settle()
    expect(shop.eventsOf(orderId)).toEqual(['created', 'coupon-locked', 'points-deducted'])
    expect(await shop.saga(orderId)).toMatchObject({ state: 'DONE', step: 'order.points-deducted', reason: null })
    expect((await shop.order(orderId)).amountCents).toBe(PRICE_CENTS - 120 - 80)
    expect(shop.published.filter((event) => event.orderId === orderId).map(({ amountCents }) => amountCents)).toEqual([
      500, 380, 300,
    ])
    expect([await shop.statusOf(code), await shop.pointsOf(buyerId)]).toEqual(['LOCKED', 20])

    expect(await shop.pay(orderId)).toBe('PAID')
    await shop.settle()
    expect([await shop.statusOf(code), await shop.pointsOf(buyerId)]).toEqual(['USED', 20 + 3])
    expect([(await shop.saga(orderId)).state, await soldOf(order)]).toEqual(['DONE', 1])
  })

  test('an order takes the one of them that it names', async () => {
    const withCoupon = await place({ couponCode: await shop.coupon(100) })
    const withPoints = await place({ points: 100 })
    await shop.givePoints(withPoints.buyerId, 100)
    await shop.settle()
    expect(shop.eventsOf(withCoupon.orderId)).toEqual(['created', 'coupon-locked'])
    expect(shop.eventsOf(withPoints.orderId)).toEqual(['created', 'points-deducted'])
    for (const { orderId } of [withCoupon, withPoints]) {
      expect((await shop.saga(orderId)).state).toBe('DONE')
      expect((await shop.order(orderId)).amountCents).toBe(PRICE_CENTS - 100)
    }
  })

  test('an order that names neither has no saga', async () => {
    const { orderId } = await place()
    await shop.settle()
    expect(shop.eventsOf(orderId)).toEqual(['created'])
    expect(await shop.world.database.saga.count({ where: { orderId } })).toBe(0)
  })

  test('an amount is never negative, and no more points are spent than there is to pay', async () => {
    const { orderId, buyerId } = await place({ couponCode: await shop.coupon(420), points: 1_000 })
    await shop.givePoints(buyerId, 90)
    const free = await place({ couponCode: await shop.coupon(10_000), points: 5 })
    // Points that a veto took back after they were spent: who owes some and need spend none may buy.
    await shop.givePoints(free.buyerId, -7)
    await shop.settle()
    expect([(await shop.order(orderId)).amountCents, await shop.pointsOf(buyerId)]).toEqual([0, 10])
    expect([(await shop.order(free.orderId)).amountCents, await shop.pointsOf(free.buyerId)]).toEqual([0, -7])
    for (const { orderId: id } of [{ orderId }, free]) {
      expect(await shop.order(id)).toMatchObject({ status: 'PAID', sequence: 4 })
      expect(shop.eventsOf(id)).toEqual(['created', 'coupon-locked', 'points-deducted', 'paid'])
    }
  })

  test('of orders that want one coupon at the same moment one gets it', async () => {
    const code = await shop.coupon(100)
    const orders = [
      await place({ couponCode: code }),
      await place({ couponCode: code }),
      await place({ couponCode: code }),
    ]
    await shop.deliverConcurrently('coupon')
    await shop.settle()
    const states = await Promise.all(orders.map(async ({ orderId }) => (await shop.saga(orderId)).state))
    expect(states.sort()).toEqual(['COMPENSATED', 'COMPENSATED', 'DONE'])
    expect(await shop.statusOf(code)).toBe('LOCKED')
    const prices = await Promise.all(orders.map(async ({ orderId }) => (await shop.order(orderId)).amountCents))
    expect(prices.sort((one, other) => one - other)).toEqual([400, 500, 500])
  })

  test('of orders in one batch that want the same coupon or the same points one gets them', async () => {
    const code = await shop.coupon(100)
    const first = await place({ points: 60 })
    await shop.givePoints(first.buyerId, 100)
    const orders = [first, await place({ points: 60 }, { buyerId: first.buyerId })]
    const naming = [await place({ couponCode: code }), await place({ couponCode: code })]
    await shop.settle()
    const states = (some: Placed[]) => Promise.all(some.map(async ({ orderId }) => (await shop.saga(orderId)).state))
    expect(await states(orders)).toEqual(['DONE', 'COMPENSATED'])
    expect((await states(naming)).toSorted()).toEqual(['COMPENSATED', 'DONE'])
    expect([await shop.pointsOf(first.buyerId), await shop.statusOf(code)]).toEqual([40, 'LOCKED'])
  })

  test("a buyer's points are spent once, by however many orders at the same moment", async () => {
    const first = await place({ points: 60 })
    const others = [
      await place({ points: 60 }, { buyerId: first.buyerId }),
      await place({ points: 60 }, { buyerId: first.buyerId }),
    ]
    const orderIds = [first, ...others].map(({ orderId }) => orderId)
    await shop.givePoints(first.buyerId, 100)
    const { hearing } = await shop.world.database.$transaction(async (tx) => {
      // None of them can commit before each has come as far as it can without the others.
      await tx.$queryRaw`SELECT FROM sagas WHERE order_id = ANY(${orderIds}::uuid[]) FOR UPDATE`
      const hearing = shop.deliverConcurrently('points')
      await eventually(
        'all of them to be held up',
        () => shop.ledger.waitingForLocks(),
        (count) => count === orderIds.length,
      )
      return { hearing }
    })
    await hearing
    expect(await shop.pointsOf(first.buyerId)).toBe(40)
    await shop.settle()
    expect(await shop.pointsOf(first.buyerId)).toBe(40)
  })
})

describe('backwards', () => {
  test.each([
    [
      'used up',
      async () => {
        const code = await shop.coupon(100)
        await place({ couponCode: code })
        return code
      },
    ],
    ["somebody else's", () => shop.coupon(100, 'its owner')],
    ['none at all', () => 'NO-SUCH-COUPON'],
  ])('an order whose coupon is %s is cancelled, and its buyer may buy again', async (_, make) => {
    const code = await make()
    await shop.settle()
    const order = await place({ couponCode: code, points: 10 })
    await shop.givePoints(order.buyerId, 10)
    await shop.settle()
    expect(shop.eventsOf(order.orderId)).toEqual(['created', 'coupon-refused', 'cancelled'])
    expect(await shop.order(order.orderId)).toMatchObject({
      status: 'CANCELLED',
      endReason: 'COUPON_REFUSED',
      amountCents: PRICE_CENTS,
    })
    expect(await shop.saga(order.orderId)).toMatchObject({ state: 'COMPENSATED', reason: 'COUPON_REFUSED' })
    expect([await soldOf(order), await shop.pointsOf(order.buyerId)]).toEqual([0, 10])
    await place({}, order)
    expect(await soldOf(order)).toBe(1)
  })

  test('with too few points the coupon comes back, then the order is cancelled', async () => {
    const code = await shop.coupon(100)
    const order = await place({ couponCode: code, points: 80 })
    await shop.givePoints(order.buyerId, 79)
    await shop.settle()
    expect(shop.eventsOf(order.orderId)).toEqual([
      'created',
      'coupon-locked',
      'points-refused',
      'coupon-returned',
      'cancelled',
    ])
    expect(await shop.order(order.orderId)).toMatchObject({ status: 'CANCELLED', endReason: 'TOO_FEW_POINTS' })
    expect(await shop.saga(order.orderId)).toMatchObject({ state: 'COMPENSATED', reason: 'TOO_FEW_POINTS' })
    expect([await soldOf(order), await shop.statusOf(code), await shop.pointsOf(order.buyerId)]).toEqual([
      0,
      'AVAILABLE',
      79,
    ])
    await place({ couponCode: code }, order)
  })

  test('a veto takes a paid order back: points, coupon, then unit and money', async () => {
    const code = await shop.coupon(100)
    const first = await place()
    await shop.givePoints(first.buyerId, 50)
    const order = await place({ couponCode: code, points: 50 }, { buyerId: first.buyerId })
    await shop.settle()
    for (const { orderId } of [first, order]) await shop.pay(orderId)
    await shop.settle()
    expect(shop.eventsOf(first.orderId)).toEqual(['created', 'paid'])
    expect(shop.eventsOf(order.orderId)).toEqual([
      'created',
      'coupon-locked',
      'points-deducted',
      'paid',
      'vetoed',
      'points-returned',
      'coupon-returned',
      'refunded',
    ])
    expect(await shop.order(order.orderId)).toMatchObject({ status: 'REFUNDED', endReason: 'VETOED' })
    expect(await shop.saga(order.orderId)).toMatchObject({ state: 'COMPENSATED', reason: 'VETOED' })
    expect(await shop.world.database.refund.findMany({ where: { payment: { orderId: order.orderId } } })).toMatchObject(
      [{ amountCents: 350 }],
    )
    expect([await soldOf(order), await shop.statusOf(code), await shop.pointsOf(order.buyerId)]).toEqual([
      0,
      'AVAILABLE',
      50 + 5,
    ])
  })

  test('a veto takes back an order, too, that named nothing, and the points that it brought', async () => {
    const order = await payTwo({})
    expect(await shop.pointsOf(order.buyerId)).toBe(10)
    await shop.settle()
    expect(shop.eventsOf(order.orderId)).toEqual(['created', 'paid', 'vetoed', 'points-returned', 'refunded'])
    expect(await shop.saga(order.orderId)).toMatchObject({ state: 'COMPENSATED', reason: 'VETOED' })
    expect([await soldOf(order), await shop.pointsOf(order.buyerId)]).toEqual([0, 5])
  })
})

describe('an order that ends otherwise', () => {
  test('when its buyer cancels before the first step, no step happens any more', async () => {
    const code = await shop.coupon(100)
    const order = await place({ couponCode: code, points: 10 })
    await shop.givePoints(order.buyerId, 10)
    await cancelForBuyer(shop.world.database, order.orderId, order.buyerId)
    await shop.settle()
    expect(shop.eventsOf(order.orderId)).toEqual(['created', 'cancelled'])
    expect(await shop.saga(order.orderId)).toMatchObject({ state: 'COMPENSATED', reason: null })
    expect([
      await shop.statusOf(code),
      await shop.couponSteps(order.orderId),
      await shop.pointsOf(order.buyerId),
    ]).toEqual(['AVAILABLE', [], 10])
  })

  test('when its buyer cancels between the steps, the coupon comes back and no points are taken', async () => {
    const code = await shop.coupon(100)
    const order = await place({ couponCode: code, points: 10 })
    await shop.givePoints(order.buyerId, 10)
    await shop.deliver('coupon')
    await cancelForBuyer(shop.world.database, order.orderId, order.buyerId)
    await shop.settle()
    expect(shop.eventsOf(order.orderId)).toEqual(['created', 'coupon-locked', 'cancelled'])
    expect([
      await shop.statusOf(code),
      await shop.couponSteps(order.orderId),
      await shop.pointsOf(order.buyerId),
    ]).toEqual(['AVAILABLE', ['LOCKED', 'RETURNED'], 10])
    expect([(await shop.saga(order.orderId)).state, await soldOf(order)]).toEqual(['COMPENSATED', 0])
  })

  test('when its buyer cancels while it goes back, the unit comes back once', async () => {
    const order = await place({ couponCode: 'NO-SUCH-COUPON' })
    await shop.deliver('coupon')
    await cancelForBuyer(shop.world.database, order.orderId, order.buyerId)
    await shop.settle()
    expect(shop.eventsOf(order.orderId)).toEqual(['created', 'coupon-refused', 'cancelled'])
    expect(await shop.order(order.orderId)).toMatchObject({ status: 'CANCELLED', endReason: 'BUYER' })
    expect([(await shop.saga(order.orderId)).state, await soldOf(order)]).toEqual(['COMPENSATED', 0])
  })

  test.each([
    ['while its saga runs', false],
    ['once its saga is done', true],
  ])('when it is not paid in time, %s, it gives back what it holds', async (_, isDone) => {
    const code = await shop.coupon(100)
    const order = await place({ couponCode: code, points: 10 })
    await shop.givePoints(order.buyerId, 10)
    await shop.deliver('coupon')
    if (isDone) await shop.settle()
    await shop.world.database.order.update({
      where: { id: order.orderId },
      data: { paymentDeadline: new Date(Date.now() - 1_000) },
    })
    expect(await cancelUnpaid(shop.world.database, [order.orderId])).toHaveLength(1)
    await shop.settle()
    expect(await shop.order(order.orderId)).toMatchObject({ status: 'CANCELLED', endReason: 'UNPAID' })
    expect([await shop.statusOf(code), await shop.pointsOf(order.buyerId), await soldOf(order)]).toEqual([
      'AVAILABLE',
      10,
      0,
    ])
    expect((await shop.saga(order.orderId)).state).toBe('COMPENSATED')
  })
})

const threeTimesOneByOne: Batching = (events) => [...events, ...events.toReversed(), ...events].map((event) => [event])

test('every event three times, in any order, has the same end', async () => {
  const [good, dear] = [await shop.coupon(100), await shop.coupon(100)]
  const done = await place({ couponCode: good, points: 10 })
  await shop.givePoints(done.buyerId, 10)
  const failed = await place({ couponCode: dear, points: 10 })
  const vetoed = await payTwo({ couponCode: await shop.coupon(100) })
  await shop.settle(undefined, threeTimesOneByOne)
  expect(await shop.saga(done.orderId)).toMatchObject({ state: 'DONE' })
  expect([
    (await shop.order(done.orderId)).amountCents,
    await shop.pointsOf(done.buyerId),
    await shop.statusOf(good),
  ]).toEqual([390, 0, 'LOCKED'])
  expect([await shop.couponSteps(failed.orderId), await soldOf(failed), await shop.statusOf(dear)]).toEqual([
    ['LOCKED', 'RETURNED'],
    0,
    'AVAILABLE',
  ])
  expect([await shop.couponSteps(vetoed.orderId), await soldOf(vetoed), await shop.pointsOf(vetoed.buyerId)]).toEqual([
    ['LOCKED', 'USED', 'RETURNED'],
    0,
    5,
  ])
  expect(await shop.world.database.refund.count({ where: { payment: { orderId: vetoed.orderId } } })).toBe(1)
})
