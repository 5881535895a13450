import { afterAll, beforeAll, expect, test } from 'vitest'
import { cancelForBuyer } from '../../core/orders/transitions.ts'
import { Choreography } from '../../test/support/choreography.ts'
import { type OpenPayment, paymentOpener } from './open-payment.ts'
import type { PaymentProvider } from './provider.ts'

const provider: PaymentProvider = {
  createLink: ({ paymentId }) => `http://provider.example/${paymentId}`,
  refund: () => Promise.reject(new Error('not here')),
  readCallback: () => {
    throw new Error('not here')
  },
}
let shop: Choreography
let openPayment: OpenPayment
beforeAll(async () => {
  shop = await Choreography.open()
  openPayment = paymentOpener({ database: shop.world.database, provider, currency: 'CNY' })
})
afterAll(() => shop.close())

const open = (orderId: string, buyerId: string) => openPayment({ orderId, buyerId })

test('an order whose coupon and points are still being taken cannot be paid yet', async () => {
  const { orderId, buyerId } = await shop.place({ couponCode: await shop.coupon(100), points: 50 })
  await shop.givePoints(buyerId, 50)
  expect(await open(orderId, buyerId)).toEqual({ outcome: 'NOT_READY' })
  await shop.deliver('coupon')
  expect(await open(orderId, buyerId)).toEqual({ outcome: 'NOT_READY' })
  await shop.settle()
  expect(await open(orderId, buyerId)).toMatchObject({ outcome: 'OPENED', payment: { amountCents: 350 } })
  expect(await open(orderId, buyerId)).toMatchObject({ outcome: 'OPEN_ALREADY', payment: { amountCents: 350 } })
})

test('an order whose saga is compensated cannot be paid any more', async () => {
  const { orderId, buyerId } = await shop.place({ couponCode: 'NO-SUCH-COUPON' })
  await shop.deliver('coupon')
  expect(await open(orderId, buyerId)).toEqual({ outcome: 'NOT_READY' })
  await shop.settle()
  expect(await open(orderId, buyerId)).toEqual({ outcome: 'NOT_PAYABLE', status: 'CANCELLED' })
  expect(await shop.world.database.payment.count({ where: { orderId } })).toBe(0)
})

test('only an unpaid order gets a payment, and only its buyer gets the link', async () => {
  const cancelled = await shop.place()
  await cancelForBuyer(shop.world.database, cancelled.orderId, cancelled.buyerId)
  expect(await open(cancelled.orderId, cancelled.buyerId)).toEqual({ outcome: 'NOT_PAYABLE', status: 'CANCELLED' })
  const { orderId, buyerId } = await shop.place()
  expect(await open(orderId, 'a stranger')).toEqual({ outcome: 'UNKNOWN_ORDER' })
  const ofBoth = { orderId: { in: [cancelled.orderId, orderId] } }
  expect(await shop.world.database.payment.count({ where: ofBoth })).toBe(0)
  expect(await open(orderId, buyerId)).toMatchObject({ outcome: 'OPENED', payment: { amountCents: 500 } })
  expect(await open(orderId, 'a stranger')).toEqual({ outcome: 'UNKNOWN_ORDER' })
})

test('a payment opened while the saga completes has the full deduction, or is refused as NOT_READY', async () => {
  for (let time = 0; time < 10; time++) {
    const { orderId, buyerId } = await shop.place({ couponCode: await shop.coupon(100), points: 50 })
    await shop.givePoints(buyerId, 50)
    let isOver = false
    const asking = Promise.all(
      Array.from({ length: 4 }, async () => {
        while (!isOver) if ((await open(orderId, buyerId)).outcome !== 'NOT_READY') return
      }),
    )
    await shop.settle()
    isOver = true
    await asking
    expect(await open(orderId, buyerId)).toMatchObject({ payment: { amountCents: 350 } })
  }
})

test('of payments that are asked for at once each gets its own answer', async () => {
  const [mine, other, cancelled] = [await shop.place(), await shop.place(), await shop.place()]
  await cancelForBuyer(shop.world.database, cancelled.orderId, cancelled.buyerId)
  const asked = [
    open(mine.orderId, mine.buyerId),
    open(other.orderId, mine.buyerId),
    open(cancelled.orderId, cancelled.buyerId),
    open(other.orderId, other.buyerId),
    open(mine.orderId, mine.buyerId),
  ]
  expect(await Promise.all(asked)).toMatchObject([
    { outcome: 'OPENED', payment: { orderId: mine.orderId } },
    { outcome: 'UNKNOWN_ORDER' },
    { outcome: 'NOT_PAYABLE', status: 'CANCELLED' },
    { outcome: 'OPENED', payment: { orderId: other.orderId } },
    { outcome: 'OPEN_ALREADY', payment: { orderId: mine.orderId } },
  ])
})
