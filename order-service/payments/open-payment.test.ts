import { afterAll, beforeAll, expect, test } from 'vitest'
import { Choreography } from '../../test/support/choreography.ts'
import { receiveMoney } from '../../core/orders/transitions.ts'
import { openPayment } from './open-payment.ts'
import type { PaymentProvider } from './provider.ts'

const provider: PaymentProvider = {
  createLink: ({ paymentId }) => `http://provider.example/${paymentId}`,
  refund: () => Promise.reject(new Error('not here')),
  readCallback: () => {
    throw new Error('not here')
  },
}
let shop: Choreography
beforeAll(async () => {
  shop = await Choreography.open()
})
afterAll(() => shop.close())

const open = (orderId: string, buyerId: string) =>
  openPayment({ database: shop.world.database, provider }, orderId, buyerId)

test('an order whose coupon and points are still being taken cannot be paid yet', async () => {
  const { orderId, buyerId } = await shop.place({ couponCode: await shop.coupon(100), points: 50 })
  await shop.givePoints(buyerId, 50)
  expect(await open(orderId, buyerId)).toEqual({ outcome: 'NOT_READY' })
  await shop.hear('coupon')
  expect(await open(orderId, buyerId)).toEqual({ outcome: 'NOT_READY' })
  await shop.settle()
  expect(await open(orderId, buyerId)).toMatchObject({ outcome: 'OPENED', payment: { amountCents: 350 } })
  expect(await open(orderId, buyerId)).toMatchObject({ outcome: 'OPEN_ALREADY', payment: { amountCents: 350 } })
})

test('an order whose saga goes back cannot be paid any more', async () => {
  const { orderId, buyerId } = await shop.place({ couponCode: 'NO-SUCH-COUPON' })
  await shop.hear('coupon')
  expect(await open(orderId, buyerId)).toEqual({ outcome: 'NOT_READY' })
  await shop.settle()
  expect(await open(orderId, buyerId)).toEqual({ outcome: 'NOT_PAYABLE', status: 'CANCELLED' })
  expect(await shop.world.database.payment.count({ where: { orderId } })).toBe(0)
})

test('an order that an earlier release left unpaid although nothing was to be paid is paid when its link is asked for', async () => {
  for (const hasLink of [false, true]) {
    const { orderId, buyerId } = await shop.place()
    await shop.world.database.order.update({ where: { id: orderId }, data: { amountCents: 0 } })
    if (hasLink) await shop.world.database.payment.create({ data: { id: orderId, orderId, amountCents: 0 } })
    for (let time = 0; time < 2; time++)
      expect(await open(orderId, buyerId)).toEqual({ outcome: 'NOT_PAYABLE', status: 'PAID' })
    expect(await shop.order(orderId)).toMatchObject({ status: 'PAID', sequence: 2 })
    const counted =
      hasLink &&
      (await receiveMoney(shop.world.database, { paymentId: orderId, orderId, amountCents: 0, providerRef: orderId }))
    expect(counted).toEqual(hasLink && { outcome: 'REFUND_DUE', status: 'PAID' })
    expect(await shop.world.database.refund.count({ where: { payment: { orderId } } })).toBe(0)
  }
})

test('whoever asks in the very moment gets the whole price taken off, or is told to come back', async () => {
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
