import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { signBody } from '../core/platform/http/signature.ts'
import { eventually } from './support/eventually.ts'
import { Ledger } from './support/ledger.ts'
import { call } from './support/http-client.ts'
import { startSystem, type System } from './support/system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem()
})
afterAll(async () => {
  await system.close()
})

async function ordered(name: string, saleId: string) {
  const token = await system.signIn(name)
  const { body } = await system.buy(saleId, token)
  const reservation = await system.settled(String(body.id), token)
  return { token, reservationId: String(body.id), orderId: String(reservation.orderId) }
}
const openPayment = (orderId: string, token: string) =>
  call('POST', system.url(`/orders/${orderId}/payments`), { token })
const pay = (url: unknown) => call('POST', String(url), { headers: { accept: 'application/json' } })
const order = (orderId: string, token: string) => call('GET', system.url(`/orders/${orderId}`), { token })
const cancel = (orderId: string, token: string) =>
  call('POST', system.url(`/orders/${orderId}/cancellation`), { token })

describe('paying', () => {
  test('the link leads to a paid order, told to the buyer at the order and at the reservation', async () => {
    const saleId = await system.createSale()
    const { token, orderId, reservationId } = await ordered('payer', saleId)
    const payment = await openPayment(orderId, token)
    expect(payment).toMatchObject({ status: 201, body: { orderId, amountCents: 1_000 } })
    expect(await pay(payment.body.url)).toMatchObject({ status: 200, body: { outcome: 'PAID' } })
    expect((await order(orderId, token)).body).toMatchObject({ status: 'PAID' })
    expect(await system.settled(reservationId, token, ['PAID'])).toMatchObject({ status: 'PAID', orderId })
    expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 1 }] })
  })

  test('asking twice gives one payment, and paying twice counts once', async () => {
    const saleId = await system.createSale()
    const { token, orderId } = await ordered('double clicker', saleId)
    const [first, second] = await Promise.all([openPayment(orderId, token), openPayment(orderId, token)])
    expect(first.body.paymentId).toBe(second.body.paymentId)
    const paid = await Promise.all([pay(first.body.url), pay(first.body.url), pay(second.body.url)])
    expect(paid.map((answer) => answer.body.outcome).filter((outcome) => outcome === 'PAID')).toHaveLength(1)
    expect(await system.world.database.refund.count({ where: { payment: { orderId } } })).toBe(0)
  })

  test('a cancelled order takes no link; money that arrives late is refunded, once', async () => {
    const saleId = await system.createSale()
    const { token, orderId } = await ordered('late payer', saleId)
    const payment = await openPayment(orderId, token)
    expect(await cancel(orderId, token)).toMatchObject({ status: 200, body: { status: 'CANCELLED' } })
    expect(await openPayment(orderId, token)).toMatchObject({ status: 409, body: { code: 'NOT_PAYABLE' } })
    expect((await pay(payment.body.url)).body.outcome).toBe('REFUND_DUE')
    expect((await pay(payment.body.url)).body.outcome).toBe('ALREADY_COUNTED')
    const refunds = await eventually(
      'the refund to be sent',
      () => system.world.database.refund.findMany({ where: { payment: { orderId } } }),
      (found) => found.every((refund) => refund.completedAt !== null),
    )
    expect(refunds).toHaveLength(1)
    expect((await order(orderId, token)).body.status).toBe('CANCELLED')
    expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true })
  })

  test('what is refunded after it was paid: the money goes back once, the unit to the next buyer', async () => {
    const saleId = await system.createSale({ stock: 1 })
    const { token, orderId, reservationId } = await ordered('vetoed', saleId)
    await pay((await openPayment(orderId, token)).body.url)
    expect((await system.buy(saleId, await system.signIn('next'))).body.code).toBe('SOLD_OUT')
    await new Ledger(system.world).refund(orderId)
    expect(await system.settled(reservationId, token, ['REFUNDED'])).toMatchObject({
      status: 'REFUNDED',
      reason: 'VETOED',
      orderId,
    })
    expect((await order(orderId, token)).body).toMatchObject({ status: 'REFUNDED', reason: 'VETOED' })
    const refunds = await eventually(
      'the refund to be sent',
      () => system.world.database.refund.findMany({ where: { payment: { orderId } } }),
      (found) => found.every((refund) => refund.completedAt !== null),
    )
    expect(refunds).toHaveLength(1)
    await ordered('next', saleId)
    expect(await system.auditAtRest(saleId)).toMatchObject({
      balanced: true,
      sales: [{ sold: 1, redisLeft: 0, orders: { REFUNDED: 1 } }],
    })
  })

  test('a paid order cannot be cancelled', async () => {
    const saleId = await system.createSale()
    const { token, orderId } = await ordered('content', saleId)
    await pay((await openPayment(orderId, token)).body.url)
    expect(await cancel(orderId, token)).toMatchObject({ status: 409, body: { code: 'NOT_CANCELLABLE' } })
  })

  test('the order of another buyer looks like one that does not exist', async () => {
    const { orderId } = await ordered('owner', await system.createSale())
    const stranger = await system.signIn('stranger')
    const none = await order(randomUUID(), stranger)
    expect(none.status).toBe(404)
    for (const answer of [
      await order(orderId, stranger),
      await openPayment(orderId, stranger),
      await cancel(orderId, stranger),
    ]) {
      expect(answer).toMatchObject({ status: 404, body: none.body })
    }
    expect((await call('GET', system.url(`/orders/${orderId}`))).status).toBe(401)
  })
})

describe("the provider's callback", () => {
  const send = (body: string, header?: string) =>
    call('POST', system.url('/payments/callback'), { body, headers: header ? { 'payment-signature': header } : {} })
  const sign = (body: string, ageSeconds = 0) =>
    signBody(system.env.PAYMENT_SECRET ?? '', body, Date.now() - ageSeconds * 1_000)

  test('is believed only when signed, unaltered and recent', async () => {
    const { token, orderId } = await ordered('callback', await system.createSale())
    const { body: payment } = await openPayment(orderId, token)
    const body = JSON.stringify({
      paymentId: payment.paymentId,
      orderId,
      amountCents: 1_000,
      currency: 'CNY',
      providerRef: 'ref-1',
    })
    expect(await send(body)).toMatchObject({ status: 401, body: { code: 'BAD_SIGNATURE' } })
    expect((await send(body.replace('1000', '1'), sign(body))).status).toBe(401)
    expect((await send(body, sign(body, 3_600))).status).toBe(401)
    expect((await send(body, signBody('x'.repeat(32), body))).status).toBe(401)
    expect((await order(orderId, token)).body.status).toBe('PENDING_PAYMENT')
    expect(await send(body, sign(body))).toMatchObject({ status: 200, body: { outcome: 'PAID' } })
    expect(await send(body, sign(body))).toMatchObject({ status: 200, body: { outcome: 'ALREADY_COUNTED' } })
  })

  test('with another amount or for another order changes nothing', async () => {
    const saleId = await system.createSale()
    const mine = await ordered('mine', saleId)
    const yours = await ordered('yours', saleId)
    const { body: payment } = await openPayment(mine.orderId, mine.token)
    const wrongAmount = JSON.stringify({
      paymentId: payment.paymentId,
      orderId: mine.orderId,
      amountCents: 1,
      currency: 'CNY',
      providerRef: 'ref-2',
    })
    const wrongOrder = JSON.stringify({
      paymentId: payment.paymentId,
      orderId: yours.orderId,
      amountCents: 1_000,
      currency: 'CNY',
      providerRef: 'ref-3',
    })
    expect((await send(wrongAmount, sign(wrongAmount))).status).toBe(400)
    expect((await send(wrongOrder, sign(wrongOrder))).status).toBe(404)
    expect((await order(mine.orderId, mine.token)).body.status).toBe('PENDING_PAYMENT')
    expect((await order(yours.orderId, yours.token)).body.status).toBe('PENDING_PAYMENT')
  })
})
